"""The REST API of call recording (start, get, stop, pause and resume, as SDK 1.6.0 calls them) and of users."""

import asyncio
import hashlib
import re
from dataclasses import dataclass

from aiohttp import web

from local.acs.calls import start_request
from local.acs.calls.calls import Call
from local.acs.calls.recordings import Recording
from local.acs.calls.timeline import Timeline
from local.acs.endpoints.identities import Identities
from local.acs.errors import AcsError, invalid_request
from local.acs.faults.fault_answers import answered
from local.acs.faults.requested_faults import FaultOrder, Operation, Target
from local.acs.request_log import LoggedRequest
from local.acs.service import Service
from local.acs.times import now

COLLECTION = "/calling/recordings"
ONE = re.compile(r"/calling/recordings/(?P<recording_id>[^/:]+)(?::(?P<verb>pause|resume))?")
OPERATIONS: dict[tuple[str, str | None], Operation] = {
    ("GET", None): "get",
    ("DELETE", None): "stop",
    ("POST", "pause"): "pause",
    ("POST", "resume"): "resume",
}


@dataclass(frozen=True, kw_only=True)
class RepeatedStart:
    """The answer to a start, which the client may repeat with the same Repeatability-Request-ID."""

    body_hash: bytes
    answer: asyncio.Future[tuple[int, dict[str, str]]]


class RestApi:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._identities = Identities()
        self._repeatable: dict[str, RepeatedStart] = {}

    async def answer(self, request: web.Request, body: bytes, entry: LoggedRequest) -> web.StreamResponse:
        if not request.query.get("api-version"):
            raise AcsError(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if request.path == COLLECTION and request.method == "POST":
            return await self._start(request, body, entry)
        of_users = self._identities.answer(request)
        if of_users is not None:
            return of_users
        match = ONE.fullmatch(request.path)
        operation = OPERATIONS.get((request.method, match["verb"])) if match else None
        if match is None or operation is None:
            raise AcsError(404, "NotFound", "There is no such operation.")
        return await self._control(operation, match["recording_id"], request, entry)

    async def _control(
        self, operation: Operation, recording_id: str, request: web.Request, entry: LoggedRequest
    ) -> web.StreamResponse:
        known = self._service.recordings.known(recording_id)
        target = Target(recording_id=recording_id, call_id=known.call.call_id if known else None)
        fault = self._service.faults.take(operation, target)
        entry.operation, entry.fault = operation, fault.kind if fault else None

        async def perform() -> web.Response:
            found = self._service.recordings.running if operation == "get" else self._service.recordings.to_change
            return self._perform(operation, found(recording_id))

        return await answered(fault, request, perform)

    def _perform(self, operation: Operation, recording: Recording) -> web.Response:
        match operation:
            case "stop":
                self._service.recordings.stop(recording, "InitiatorLeft")
                return web.Response(status=204)
            case "pause":
                self._service.recordings.pause(recording)
                return web.Response(status=202)
            case "resume":
                self._service.recordings.resume(recording)
                return web.Response(status=202)
            case _:
                return web.json_response(recording.as_acs_answer())

    async def _start(self, request: web.Request, body: bytes, entry: LoggedRequest) -> web.StreamResponse:
        wanted = start_request.parse(body)
        start_request.check(wanted)
        call = self._service.calls.locate(*wanted.locators()[0])
        target = Target(call_id=call.call_id)
        fault = self._service.faults.take("start", target) or self._service.faults.take(
            "event", target, kinds=frozenset({"eventBeforeAnswer"})
        )
        entry.operation, entry.fault = "start", fault.kind if fault else None

        async def perform() -> web.Response:
            status, answer = await self._started_once(request, body, call, wanted, fault)
            return web.json_response(answer, status=status)

        return await answered(fault, request, perform)

    async def _started_once(
        self,
        request: web.Request,
        body: bytes,
        call: Call,
        wanted: start_request.StartRequest,
        fault: FaultOrder | None,
    ) -> tuple[int, dict[str, str]]:
        """Starts the recording. A repeated request gets the answer to the first one."""
        repeat_id = request.headers.get("Repeatability-Request-ID")
        if repeat_id is None:
            return await self._started(call, wanted, fault)
        body_hash = hashlib.sha256(body).digest()
        before = self._repeatable.get(repeat_id)
        if before is not None:
            if before.body_hash != body_hash:
                raise invalid_request("The Repeatability-Request-ID was used for another request.")
            return await asyncio.shield(before.answer)
        started = asyncio.ensure_future(self._started(call, wanted, fault))
        self._repeatable[repeat_id] = RepeatedStart(body_hash=body_hash, answer=started)
        try:
            return await asyncio.shield(started)
        except AcsError:
            # Only successful starts are remembered: a refused start may be retried.
            del self._repeatable[repeat_id]
            raise

    async def _started(
        self, call: Call, wanted: start_request.StartRequest, fault: FaultOrder | None
    ) -> tuple[int, dict[str, str]]:
        if fault and fault.kind == "accepted":
            return 202, self._accepted(call, wanted, fault)
        recording = self._service.recordings.start(call, wanted)
        answer = recording.as_acs_answer()
        if fault and fault.kind == "eventBeforeAnswer":
            await self._end_and_announce(recording, fault.seconds or 1.0)
        return 200, answer

    def _accepted(self, call: Call, wanted: start_request.StartRequest, fault: FaultOrder) -> dict[str, str]:
        """A callback reports whether the recording was started. It may arrive before or after this answer."""
        if fault.fails:
            recording = Recording(call=call, request=wanted, timeline=Timeline(origin=now(), chunk_seconds=1))
            self._service.callbacks.start_failed(recording)
        else:
            recording = self._service.recordings.start(call, wanted)
        return {} if fault.unnamed else recording.as_acs_answer()

    async def _end_and_announce(self, recording: Recording, seconds: float) -> None:
        """Ends a recording that is so short that its event arrives before the answer to its start."""
        recording.timeline.advance(seconds)
        recording.announced_early = True
        self._service.recordings.stop(recording, "CallEnded")
        await recording.finished.wait()
        if recording.failure is not None:
            raise AcsError(500, "9999", recording.failure)
        facts = self._service.finisher.finished[recording.recording_id]
        announcement = self._service.finisher.announce(facts)
        if announcement.published is not None:
            await announcement.published.tried.wait()
