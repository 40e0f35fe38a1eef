"""Control of recordings: shows all their details, makes them longer without waiting, and ends chunks."""

from typing import Any

from aiohttp import web

from local.acs import finishing
from local.acs.calls.recordings import Recording
from local.acs.control.request_bodies import AdvanceOrder, read
from local.acs.errors import ControlError
from local.acs.service import Service
from local.acs.times import now


class RecordingControl:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/recordings", self.list_all),
            web.get("/recordings/{recording_id}", self.show),
            web.post("/recordings/{recording_id}/advance", self.advance),
            web.post("/recordings/{recording_id}/cut", self.cut),
        ]

    async def list_all(self, _: web.Request) -> web.Response:
        recorded = self._service.recordings.all()
        ids = dict.fromkeys([*(one.recording_id for one in recorded), *self._service.finisher.finished])
        return web.json_response([await self._described(recording_id) for recording_id in ids])

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response(await self._described(request.match_info["recording_id"]))

    async def advance(self, request: web.Request) -> web.Response:
        recording = self._running(request)
        order = await read(request, AdvanceOrder)
        recording.timeline.advance(order.seconds)
        return web.json_response(await self._service.recordings.described(recording))

    async def cut(self, request: web.Request) -> web.Response:
        recording = self._running(request)
        recording.timeline.cut(now())
        return web.json_response(await self._service.recordings.described(recording))

    def _running(self, request: web.Request) -> Recording:
        recording = self._service.recordings.get(request.match_info["recording_id"])
        if recording.ended_at is not None:
            raise ControlError(409, "the recording has ended")
        return recording

    async def _described(self, recording_id: str) -> dict[str, Any]:
        made = self._service.finisher.finished.get(recording_id)
        if made is not None and self._service.recordings.known(recording_id) is None:
            return await finishing.described(made, self._service.documents.of(recording_id))
        return await self._service.recordings.described(self._service.recordings.get(recording_id))
