"""Control of callbacks: lists them, maps their hosts to local addresses, and issues valid or invalid tokens."""

from aiohttp import web

from local.acs.control.request_bodies import HostOrder, TokenOrder, read
from local.acs.service import Service


class CallbackControl:
    def __init__(self, service: Service) -> None:
        self._callbacks = service.callbacks

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/callbacks", self.list_all),
            web.post("/callback-hosts", self.route),
            web.post("/tokens", self.sign),
            web.post("/signing-keys", self.rotate),
        ]

    async def list_all(self, _: web.Request) -> web.Response:
        return web.json_response([callback.described() for callback in self._callbacks.sent()])

    async def route(self, request: web.Request) -> web.Response:
        order = await read(request, HostOrder)
        self._callbacks.route(order.host, order.address)
        return web.Response(status=204)

    async def sign(self, request: web.Request) -> web.Response:
        order = await read(request, TokenOrder)
        given = order.model_dump(exclude_none=True)
        return web.json_response({"token": self._callbacks.issuer.token(**given)}, status=201)

    async def rotate(self, _: web.Request) -> web.Response:
        return web.json_response({"keyId": self._callbacks.issuer.rotate()}, status=201)
