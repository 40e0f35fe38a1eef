"""An event becomes chunks in the catalogue, rows on the worklist and jobs on the queue.

        links ──> lists ──> catalogue ──> worklist ──> queue ──> answer to Event Grid
          1         2           3            4           5                6

Event Grid repeats the delivery until it receives 6, and every step can be repeated, so the next delivery recovers
from a crash at any point. 2 and 3 are `writers.recordings.add_chunks` (shared.bookkeeping). The job is queued last: the
chunk it names is in the catalogue before a worker can read the job. Once a chunk has left `pending`, all steps have
been done for it, and a repeat does nothing.
"""

import asyncio
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

from opentelemetry.trace import SpanKind

from shared.bookkeeping.writers import Writers
from shared.contracts import lenient_json
from shared.contracts.auto_record import Trigger
from shared.contracts.events.call_started import is_call_started, read_call_started
from shared.contracts.events.outcome import Outcome
from shared.contracts.events.recording_event import (
    RecordingFilesEvent,
    UnreadableEvent,
    event_type,
    is_from,
    is_recording_event,
    read_event,
)
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable
from shared.gateways.blobs.quarantine import Folder, QuarantineItem
from shared.gateways.bundle import Gateways
from shared.intake.awaited_files import AwaitedFiles
from shared.intake.filing import Filed, Filing
from shared.intake.known_chunks import KnownChunks
from shared.intake.records_from_event import DatedEvent, chunks_differing, chunks_of, dated, differing, recording_of
from shared.observability import tracing
from shared.observability.logs import logger
from shared.recording.automatic import RULE, AutoRecording
from shared.settings.settings import Settings

log = logger("intake")

_AT_ONCE = 16  # chunks written to worklist and queue concurrently; Event Grid waits only 30 s for the response
_NAMED = 20  # the most fields that a log line names
_ROUNDS = 5  # tries of a conditional write; each fails only if the same recording was written at the same moment
# Why an event was ignored.
_OTHER_TYPE = "Callvault processes events of the types RecordingFileStatusUpdated and CallStarted only"
_NO_RULE = "no rule of AUTO_RECORD applies to the call"
_NO_FILES = "the event names no file in ACS's storage; ACS may have written the files to storage of your own"
_EVENT_GRID = "Event Grid"  # the author in audit entries
FOREIGN = "foreign-source: the event is not from the ACS resource that EVENT_SOURCE names"


@dataclass(frozen=True, kw_only=True)
class IntakeResult:
    """The outcome of an event, and the names of fields whose recorded value differs and was kept.

    `reason`: why the event, or a part of it, wasn't processed. `quarantine_name`: the blob that keeps it, if any.
    """

    outcome: Outcome
    differing: tuple[str, ...] = ()
    reason: str | None = None
    quarantine_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Written:
    """One recording's part of an event: the recording before and after, the event's chunks and the stored chunks."""

    known: Recording | None
    recording: Recording
    chunks: tuple[Chunk, ...]
    current: tuple[Chunk, ...]


class Intake:
    """Processes events that Event Grid delivers and events that a person sends."""

    def __init__(self, gateways: Gateways, auto: AutoRecording, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue, self._jobs = gateways.catalogue, gateways.jobs
        self._audit, self._quarantine = gateways.audit, gateways.quarantine
        self._filing, self._known = Filing(gateways.links), KnownChunks(gateways, clock)
        self._awaited = AwaitedFiles(gateways, clock, settings)
        self._auto, self._clock, self._settings = auto, clock, settings

    async def deliver(self, text: str) -> Outcome:
        """Processes one event as text. Quarantines text that isn't a JSON object. Raises the errors of `receive`."""
        try:
            envelope = lenient_json.parse(text)
        except (ValueError, RecursionError):
            envelope = text
        if isinstance(envelope, dict):
            return await self.receive(envelope)
        return (await self._quarantined(envelope, "the event is not a JSON object", by=None)).outcome

    async def receive(self, envelope: dict[str, Any]) -> Outcome:
        """Processes one event that Event Grid delivered or dead-lettered, in Event Grid's schema or CloudEvents'.

        Raises DestinationError when storage fails, so that Event Grid delivers again. An event that can't be parsed
        is quarantined and acknowledged, because another delivery would fail in the same way. If only some chunks of an
        event can be parsed, those are archived and the event is quarantined, too. An event from another resource than
        EVENT_SOURCE is quarantined, and nothing else is done with it.
        """
        return (await self.take(envelope, None)).outcome

    async def receive_by_hand(self, envelope: dict[str, Any], *, by: str) -> IntakeResult:
        """Like `receive`, for an event that a person sent: each of its recordings gets an audit entry."""
        return await self.take(envelope, by)

    def is_foreign(self, envelope: dict[str, Any]) -> bool:
        """Whether the event comes from another ACS resource than the setting EVENT_SOURCE names."""
        source = self._settings.event_source
        return source is not None and not is_from(source, envelope)

    async def take(self, envelope: dict[str, Any], by: str | None) -> IntakeResult:
        """Processes an event from any source. `by` is the person who sent it; None if Event Grid delivered it."""
        starts_call = is_call_started(envelope)
        if not starts_call and not is_recording_event(envelope):
            log.info("event ignored", extra={"action": "intake", "event_type": event_type(envelope)[:128], "by": by})
            return IntakeResult(outcome=Outcome.IGNORED, reason=_OTHER_TYPE)
        if self.is_foreign(envelope):
            return await self._quarantined(envelope, FOREIGN, by=by)
        if starts_call:
            return await self._call_started(envelope, by)
        try:
            event = read_event(envelope)
        except UnreadableEvent as error:
            return await self._quarantined(envelope, str(error), by=by)
        taken = await self._recording_files(event, by)
        if event.unread:
            kept = await self._quarantined(envelope, "; ".join(event.unread), by=by)
            return replace(taken, reason=kept.reason, quarantine_name=kept.quarantine_name)
        return taken

    async def _quarantined(self, event: Any, reason: str, *, by: str | None) -> IntakeResult:
        item = QuarantineItem.event(Folder.EVENTS, event)
        await self._quarantine.keep(item, reason, at=self._clock.now(), by=by)
        context = {"action": "quarantine", "blob": item.name, "reason": reason, "by": by}
        log.error("event quarantined", extra=context)
        return IntakeResult(outcome=Outcome.QUARANTINED, reason=reason, quarantine_name=item.name)

    async def _call_started(self, envelope: dict[str, Any], by: str | None) -> IntakeResult:
        try:
            call = read_call_started(envelope)
        except UnreadableEvent as error:
            return await self._quarantined(envelope, str(error), by=by)
        _warn_of_unknown(call.unknown)
        concerns_us = await self._auto.consider(
            Trigger.CALL_STARTED, server_call_id=call.server_call_id, call_kind=call.kind, by=by or RULE
        )
        if concerns_us:
            return IntakeResult(outcome=Outcome.ACCEPTED)
        return IntakeResult(outcome=Outcome.IGNORED, reason=_NO_RULE)

    async def _recording_files(self, event: RecordingFilesEvent, by: str | None) -> IntakeResult:
        if event.own_storage:
            extra = {"action": "intake", "chunks": len(event.files.chunks)}
            log.info("event ignored: ACS wrote the files to the customer's own storage", extra=extra)
        if not event.files.chunks:
            outcome = Outcome.QUARANTINED if event.unread else Outcome.IGNORED
            return IntakeResult(outcome=outcome, reason=None if event.unread else _NO_FILES)
        dated_event = dated(event, self._clock.now(), self._settings.retention)
        _warn_of_unknown(dated_event.event.unknown)
        with tracing.span("process event", {}, kind=SpanKind.CONSUMER) as span:
            taken: list[IntakeResult] = []
            for filed in await self._filing.of(event):
                span.set_attribute("callvault.recording.key", filed.recording_key)
                taken.append(await self._take_in(dated_event, filed, by))
            span.set_attribute("callvault.chunks", len(event.files.chunks))
        return IntakeResult(
            outcome=Outcome.QUEUED if any(one.outcome is Outcome.QUEUED for one in taken) else Outcome.UNCHANGED,
            differing=tuple(dict.fromkeys(name for one in taken for name in one.differing)),
        )

    async def _take_in(self, dated_event: DatedEvent, filed: Filed, by: str | None) -> IntakeResult:
        """Writes and queues the chunks of one recording."""
        recording_key, event = filed.recording_key, dated_event.event
        if by is not None:
            details = {"eventId": event.event_id, "documents": str(len(filed.chunks))}
            entry = AuditEntry(at=self._clock.now(), action="event submitted", by=by, details=details)
            await self._audit.add(recording_key, entry)
        written = await self._write(dated_event, filed)
        known, recording, current = written.known, written.recording, written.current
        announced, queued = {chunk.chunk_key: chunk for chunk in written.chunks}, 0
        for some in batched(current, _AT_ONCE, strict=False):
            queued += sum(
                await asyncio.gather(
                    *(self._queue(chunk, announced[chunk.chunk_key], by or _EVENT_GRID) for chunk in some)
                )
            )
        await self._watch_unreadable(written)
        await self._awaited.announced(recording, current, known)
        context: dict[str, Any] = {"action": "intake", "recording_key": recording_key}
        if differs := [*differing(event, filed, recording), *chunks_differing(current, announced)]:
            log.warning("event contradicts the catalogue: recorded values kept", extra={**context, "fields": differs})
        log.info(
            "event processed",
            extra={
                **context,
                "unlinked": filed.unlinked,
                "chunks": len(current),
                "queued": queued,
                "without_delete_location": sum(chunk.delete_location is None for chunk in current),
            },
        )
        return IntakeResult(outcome=Outcome.QUEUED if queued else Outcome.UNCHANGED, differing=tuple(differs))

    async def _write(self, dated_event: DatedEvent, filed: Filed) -> _Written:
        """Writes the recording and its chunks. If another event writes them at the same moment, reads them again."""
        for _ in range(_ROUNDS):
            known = await self._catalogue.ledger(filed.recording_key)
            recording, now = recording_of(dated_event, filed, known), self._clock.now()
            chunks = chunks_of(dated_event, filed, recording=recording, now=now, retention=self._settings.retention)
            current = await self._writers.recordings.add_chunks(recording, chunks, known)
            if current is not None:
                return _Written(known=known, recording=recording, chunks=chunks, current=current)
        raise DestinationUnavailable.contended("the recording in the catalogue")

    async def _watch_unreadable(self, written: _Written) -> None:
        """Adds worklist rows for the event's chunks whose rows this version can't read.

        The delivery that inserted such a row may have crashed before step 4. The sweep reports the row, and queues the
        chunk once a version of the app can read it.
        """
        readable = {chunk.chunk_key for chunk in written.current}
        for chunk in written.chunks:
            if chunk.chunk_key not in readable:
                due_at = self._clock.now() + self._settings.sweep_grace
                await self._writers.open_work.add(WorkItem.of_chunk(chunk, due_at))

    async def _queue(self, current: Chunk, announced: Chunk, by: str) -> bool:
        """Queues a chunk, unless it needs no work. Returns whether it was queued."""
        is_new = current.etag is None  # the row isn't in the catalogue yet
        chunk = current if is_new else await self._known.announced_again(current, announced, by=by)
        if chunk is None:
            return False
        await self._writers.open_work.add(WorkItem.of_chunk(chunk, self._clock.now() + self._settings.sweep_grace))
        await self._jobs.send(ChunkJob.of(chunk))
        return True


def _warn_of_unknown(fields: tuple[str, ...]) -> None:
    if fields:
        extra = {"action": "intake", "fields": fields[:_NAMED], "number": len(fields)}
        log.warning("event fields ignored", extra=extra)
