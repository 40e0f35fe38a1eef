"""HTTP functions that act, and those that wait for a result. They take a request's parts and return an Answer."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from pydantic.alias_generators import to_camel

from shared.contracts.http.archive_view import ArchiveAwaitedView, Awaited
from shared.contracts.http.bodies import parse
from shared.contracts.http.consent import parse_resume
from shared.contracts.http.health import HealthStatus
from shared.contracts.http.recording_view import (
    AcknowledgedView,
    EventOutcomes,
    ReplayedByReasonView,
    ReplayedView,
    StartedView,
    SubmittedEventOutcomes,
    SubmittedEventView,
)
from shared.contracts.http.recovery_requests import Acknowledgement, ReplayByReason
from shared.contracts.http.start_request import parse_start
from shared.domain.repeatability import Repeatability
from shared.domain.states import RecordingState
from shared.http.answers import Answer, answer
from shared.http.description import Document, described
from shared.operations.health import Health
from shared.queries.archive_answer import ArchiveAnswer
from shared.recording.callbacks import Callbacks
from shared.recording.control import Control
from shared.recording.idempotency import Idempotency
from shared.recording.start import Starting
from shared.recovery.acknowledgement import Acknowledging
from shared.recovery.replay import Replay, SubmittedEvent
from shared.recovery.replay_by_reason import ReasonReplay

# Retry-After in seconds. Without it, Logic Apps poll every 20 seconds.
_RETRY_AFTER = {Awaited.RECORDING: 30, Awaited.FILES: 15, Awaited.CHUNKS: 5}
_COLLECTION = "/recordings"
_RESPOND_ASYNC = re.compile(r"(?:^|,)\s*respond-async\s*(?:[,;]|$)", re.IGNORECASE)  # RFC 7240, 4.1


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """The use cases that the commands call."""

    starting: Starting
    control: Control
    replay: Replay
    by_reason: ReasonReplay
    acknowledging: Acknowledging
    completion: ArchiveAnswer
    health: Health
    callbacks: Callbacks


class Commands:
    """Each method raises the errors of its use case; `answering` turns them into problems."""

    def __init__(self, cases: UseCases, idempotency: Idempotency) -> None:
        self._control, self._starting, self._callbacks = cases.control, cases.starting, cases.callbacks
        self._replay, self._completion = cases.replay, cases.completion
        self._by_reason, self._acknowledging = cases.by_reason, cases.acknowledging
        self._idempotency, self._health = idempotency, cases.health

    async def start(self, body: bytes, *, url: str, idempotency_key: str | None, by: str) -> Answer:
        request = parse_start(body)

        async def carry_out(repeatability: Repeatability) -> str:
            started = await self._starting.start(request, repeatability, by=by)
            return started.model_dump_json(by_alias=True)

        stored = await self._idempotency.once(idempotency_key, body, carry_out)
        started = await self._starting.became(StartedView.model_validate_json(stored))
        status = 202 if started.state == RecordingState.STARTING else 201
        named = started.recording_id
        return answer(started, status=status, headers={"Location": _recording_url(url, named)} if named else {})

    async def stop(self, named: str, *, url: str = "", prefer: str | None = None, by: str) -> Answer:
        stopped = await self._control.stop(named, by=by)
        if prefer is None or not _RESPOND_ASYNC.search(prefer):
            return answer(stopped)
        headers = {"Preference-Applied": "respond-async", **_poll_headers(url, named, Awaited.FILES)}
        return answer(stopped, status=202, headers=headers)

    async def archive(self, named: str, *, url: str, by: str) -> Answer:
        found = await self._completion.of(named, by=by)
        if isinstance(found, ArchiveAwaitedView):
            return answer(found, status=202, headers=_poll_headers(url, named, found.waiting_for))
        return answer(found, headers={"Cache-Control": "no-store"})  # the record names participants

    async def pause(self, named: str, *, by: str) -> Answer:
        return answer(await self._control.pause(named, by=by))

    async def resume(self, named: str, body: bytes = b"", *, by: str) -> Answer:
        return answer(await self._control.resume(named, parse_resume(body).consent, by=by))

    async def get(self, named: str) -> Answer:
        return answer(await self._control.get(named))

    async def replay(self, named: str, document_id: str | None = None, *, by: str) -> Answer:
        return answer(ReplayedView(chunks=await self._replay.recording(named, document_id, by=by)), status=202)

    async def replay_by_reason(self, body: bytes, *, by: str) -> Answer:
        wanted = parse(ReplayByReason, body)
        found = await self._by_reason.run(wanted.reason, cursor=wanted.cursor, by=by)
        more = found.next_cursor is not None
        return answer(ReplayedByReasonView(chunks=found.chunks, more=more, next_cursor=found.next_cursor), status=202)

    async def acknowledge(self, named: str, document_id: str, body: bytes, *, by: str) -> Answer:
        chunk = await self._acknowledging.acknowledge(named, document_id, parse(Acknowledgement, body), by=by)
        return answer(AcknowledgedView(acknowledged_at=chunk.acknowledged_at, acknowledged_by=chunk.acknowledged_by))

    async def replay_quarantined(self, quarantine_id: str, *, by: str) -> Answer:
        return _submitted([await self._replay.quarantined(quarantine_id, by=by)])

    async def submit_events(self, body: bytes, *, by: str) -> Answer:
        return _submitted(await self._replay.events(body, by=by))

    async def callbacks(
        self, body: bytes, *, authorization: str | None, start_id: str | None, signature: str | None
    ) -> Answer:
        """Needs no function key: ACS's token and the URL's signature authenticate the caller."""
        outcomes = await self._callbacks.receive(
            body, authorization=authorization, start_id=start_id, signature=signature
        )
        return answer(EventOutcomes(outcomes=[str(outcome) for outcome in outcomes]))

    async def health(self) -> Answer:
        found = await self._health.check()
        status = 200 if found.status is HealthStatus.OK else 503
        return answer(found, status=status, headers={"Cache-Control": "no-store"})

    async def openapi(self, *, url: str) -> Answer:
        return Answer(status=200, body=described(Document.OPENAPI, url=url))

    async def swagger(self, *, url: str) -> Answer:
        return Answer(status=200, body=described(Document.SWAGGER, url=url))


def _submitted(events: list[SubmittedEvent]) -> Answer:
    shown = [_submitted_event(one) for one in events]
    outcomes, differing = [one.outcome for one in shown], [one.differing for one in shown]
    return answer(SubmittedEventOutcomes(events=shown, outcomes=outcomes, differing=differing), status=202)


def _submitted_event(event: SubmittedEvent) -> SubmittedEventView:
    result = event.result
    name = result.quarantine_name
    return SubmittedEventView(
        id=event.event_id,
        outcome=str(result.outcome),
        reason=result.reason,
        quarantine_name=name,
        quarantine_id=None if name is None else name.removesuffix(".json"),
        differing=[to_camel(one) for one in result.differing],
    )


def _poll_headers(url: str, recording_id: str, awaited: Awaited) -> dict[str, str]:
    location = f"{_recording_url(url, recording_id)}/archive"
    return {"Location": location, "Retry-After": str(_RETRY_AFTER[awaited])}


def _recording_url(request_url: str, recording_id: str) -> str:
    """A recording's URL. It is absolute, because Logic Apps follow only absolute URLs.

    The request's query is left out, because it may contain a function key.
    """
    here = urlsplit(request_url)
    prefix, _, _ = here.path.partition(_COLLECTION)
    return f"{here.scheme}://{here.netloc}{prefix}{_COLLECTION}/{quote(recording_id, safe='')}"
