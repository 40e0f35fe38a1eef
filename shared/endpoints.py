"""What each HTTP function answers: a request's parts go in, status, headers and body come out."""

from collections.abc import Awaitable
from urllib.parse import quote, urlsplit

from shared.caller import FUNCTION_KEY
from shared.contracts.start import parse_start
from shared.contracts.views import RecordingView, ReplayedView, StartedView, TakenInView
from shared.control import Control
from shared.gateways.acs import Repeatability
from shared.idempotency import Idempotency
from shared.intake import Outcome
from shared.replay import Replay
from shared.states import RecordingState
from shared.web import Answer, answer, answering


class Endpoints:
    """The HTTP interface. Nothing here raises: a failure is an answer too."""

    def __init__(self, control: Control, idempotency: Idempotency, replay: Replay) -> None:
        self._control, self._idempotency, self._replay = control, idempotency, replay

    async def start(self, body: bytes, *, url: str, idempotency_key: str | None, by: str = FUNCTION_KEY) -> Answer:
        return await answering(self._start(body, url, idempotency_key, by))

    async def stop(self, recording_id: str, *, by: str = FUNCTION_KEY) -> Answer:
        return await answering(_shown(self._control.stop(recording_id, by=by)))

    async def pause(self, recording_id: str, *, by: str = FUNCTION_KEY) -> Answer:
        return await answering(_shown(self._control.pause(recording_id, by=by)))

    async def resume(self, recording_id: str, *, by: str = FUNCTION_KEY) -> Answer:
        return await answering(_shown(self._control.resume(recording_id, by=by)))

    async def get(self, recording_id: str) -> Answer:
        return await answering(_shown(self._control.get(recording_id)))

    async def replay(self, recording_id: str, document_id: str | None = None, *, by: str = FUNCTION_KEY) -> Answer:
        return await answering(self._replayed(recording_id, document_id, by))

    async def replay_quarantined(self, quarantine_id: str) -> Answer:
        return await answering(_taken_in(self._replay.quarantined(quarantine_id)))

    async def take_events(self, body: bytes) -> Answer:
        return await answering(_taken_in(self._replay.events(body)))

    async def _replayed(self, recording_id: str, document_id: str | None, by: str) -> Answer:
        return answer(ReplayedView(chunks=await self._replay.recording(recording_id, document_id, by=by)), status=202)

    async def _start(self, body: bytes, url: str, idempotency_key: str | None, by: str) -> Answer:
        request = parse_start(body)

        async def carry_out(repeatability: Repeatability) -> str:
            started = await self._control.start(request, repeatability, by=by)
            return started.model_dump_json(by_alias=True)

        told = await self._idempotency.once(idempotency_key, body, carry_out)
        started = StartedView.model_validate_json(told)
        status = 202 if started.state == RecordingState.STARTING else 201
        named = started.recording_id
        return answer(started, status=status, headers={"Location": _recording_url(url, named)} if named else {})


async def _taken_in(work: Awaitable[Outcome | list[Outcome]]) -> Answer:
    outcomes = await work
    told = outcomes if isinstance(outcomes, list) else [outcomes]
    return answer(TakenInView(outcomes=[str(outcome) for outcome in told]), status=202)


async def _shown(view: Awaitable[RecordingView]) -> Answer:
    return answer(await view)


def _recording_url(request_url: str, recording_id: str) -> str:
    """Where a recording can be asked after: absolute, since Logic Apps follow no other address.

    The request's own query is left behind: it may hold a function key.
    """
    here = urlsplit(request_url)
    return f"{here.scheme}://{here.netloc}{here.path.rstrip('/')}/{quote(recording_id, safe='')}"
