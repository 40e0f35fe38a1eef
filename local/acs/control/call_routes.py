"""Control of calls: creates and ends them, and adds and removes participants."""

from aiohttp import web

from local.acs.control.request_bodies import CallOrder, ParticipantOrder, listed, read
from local.acs.delivery import events
from local.acs.errors import ControlError
from local.acs.service import Service
from local.acs.times import now

MOST_PARTICIPANTS = 350


class CallControl:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/calls", self.open),
            web.get("/calls", self.list_all),
            web.get("/calls/{call_id}", self.show),
            web.post("/calls/{call_id}/participants", self.join),
            web.delete("/calls/{call_id}/participants/{participant_id}", self.leave),
            web.post("/calls/{call_id}/end", self.end),
        ]

    async def open(self, request: web.Request) -> web.Response:
        order = await read(request, CallOrder)
        participants = listed(order.participants)
        if not 1 <= len(participants) <= MOST_PARTICIPANTS:
            raise ControlError(400, f"participants: a call has 1 to {MOST_PARTICIPANTS}")
        call = self._service.calls.open(order.traits(order.kind, oddities=self._service.oddities), order.callback_uri)
        for one in participants:
            call.join(one.id, one.name)
        self._service.grid.publish(events.call_started(call))
        self._service.callbacks.call_connected(call)
        return web.json_response(call.described(), status=201)

    async def list_all(self, _: web.Request) -> web.Response:
        return web.json_response([call.described() for call in self._service.calls.all()])

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response(self._service.calls.get(request.match_info["call_id"]).described())

    async def join(self, request: web.Request) -> web.Response:
        call = self._service.calls.get(request.match_info["call_id"])
        if call.ended_at is not None:
            raise ControlError(409, "the call has ended")
        order = await read(request, ParticipantOrder)
        return web.json_response(call.join(order.id, order.name).described(), status=201)

    async def leave(self, request: web.Request) -> web.Response:
        self._service.calls.get(request.match_info["call_id"]).leave(request.match_info["participant_id"])
        return web.Response(status=204)

    async def end(self, request: web.Request) -> web.Response:
        call = self._service.calls.get(request.match_info["call_id"])
        if call.ended_at is None:
            call.ended_at = now()
            self._service.recordings.stop_all_of(call)
            self._service.grid.publish(events.call_ended(call))
            self._service.callbacks.call_disconnected(call)
        return web.json_response(call.described())
