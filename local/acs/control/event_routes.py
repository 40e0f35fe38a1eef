"""Control of Event Grid: subscriptions, published events and their deliveries."""

from aiohttp import web

from local.acs.control.request_bodies import SubscriptionOrder, read, read_object
from local.acs.delivery.event_grid import RETRY_SECONDS, Subscription
from local.acs.service import Service


class EventControl:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/subscriptions", self.subscribe),
            web.get("/subscriptions", self.subscriptions),
            web.delete("/subscriptions/{subscription_id}", self.unsubscribe),
            web.get("/events", self.published),
            web.post("/events", self.publish),
            web.post("/events/{event_id}/redeliver", self.redeliver),
        ]

    async def subscribe(self, request: web.Request) -> web.Response:
        order = await read(request, SubscriptionOrder)
        subscription = Subscription(
            endpoint=order.endpoint,
            event_types=None if order.event_types is None else frozenset(order.event_types),
            retry_seconds=RETRY_SECONDS if order.retry_seconds is None else order.retry_seconds,
        )
        await self._service.grid.subscribe(subscription)
        return web.json_response(subscription.described(), status=201)

    async def subscriptions(self, _: web.Request) -> web.Response:
        return web.json_response([one.described() for one in self._service.grid.subscriptions()])

    async def unsubscribe(self, request: web.Request) -> web.Response:
        self._service.grid.unsubscribe(request.match_info["subscription_id"])
        return web.Response(status=204)

    async def published(self, _: web.Request) -> web.Response:
        return web.json_response([one.described() for one in self._service.grid.published()])

    async def publish(self, request: web.Request) -> web.Response:
        published = self._service.grid.publish(await read_object(request))
        return web.json_response(published.described(), status=201)

    async def redeliver(self, request: web.Request) -> web.Response:
        published = self._service.grid.redeliver(request.match_info["event_id"])
        return web.json_response(published.described(), status=202)
