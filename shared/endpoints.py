"""What each HTTP function answers: a request's parts go in, status, headers and body come out."""

from collections.abc import Awaitable
from urllib.parse import quote, urlsplit

from shared.contracts.api import RecordingView, StartedView, parse_start
from shared.control import Control
from shared.gateways.acs import Repeatability
from shared.idempotency import Idempotency
from shared.states import RecordingState
from shared.web import Answer, answer, answering


class Endpoints:
    """The HTTP interface. Nothing here raises: a failure is an answer too."""

    def __init__(self, control: Control, idempotency: Idempotency) -> None:
        self._control, self._idempotency = control, idempotency

    async def start(self, body: bytes, *, url: str, idempotency_key: str | None) -> Answer:
        return await answering(self._start(body, url, idempotency_key))

    async def stop(self, recording_id: str) -> Answer:
        return await answering(_shown(self._control.stop(recording_id)))

    async def pause(self, recording_id: str) -> Answer:
        return await answering(_shown(self._control.pause(recording_id)))

    async def resume(self, recording_id: str) -> Answer:
        return await answering(_shown(self._control.resume(recording_id)))

    async def get(self, recording_id: str) -> Answer:
        return await answering(_shown(self._control.get(recording_id)))

    async def _start(self, body: bytes, url: str, idempotency_key: str | None) -> Answer:
        request = parse_start(body)

        async def carry_out(repeatability: Repeatability) -> str:
            started = await self._control.start(request, repeatability)
            return started.model_dump_json(by_alias=True)

        told = await self._idempotency.once(idempotency_key, body, carry_out)
        started = StartedView.model_validate_json(told)
        status = 202 if started.state == RecordingState.STARTING else 201
        named = started.recording_id
        return answer(started, status=status, headers={"Location": _recording_url(url, named)} if named else {})


async def _shown(view: Awaitable[RecordingView]) -> Answer:
    return answer(await view)


def _recording_url(request_url: str, recording_id: str) -> str:
    """Where a recording can be asked after: absolute, since Logic Apps follow no other address.

    The request's own query is left behind: it may hold a function key.
    """
    here = urlsplit(request_url)
    return f"{here.scheme}://{here.netloc}{here.path.rstrip('/')}/{quote(recording_id, safe='')}"
