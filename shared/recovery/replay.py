"""Replays failed work when an operator asks for it: a recording, a chunk, a quarantined event or a dead-lettered one.

        audit ──> worklist ──> chunk pending ──> worklist ──> queue
          1           2              3               4           5

Every request can be repeated. A chunk that is safe or being copied doesn't change; a pending chunk gets a job.
A crash after 1 leaves the audit entry of a request that changed nothing. After a crash at any later point, the sweep
finds the chunk by its worklist row and queues it. 4 repeats 2, because the sweep may have removed the row before 3.
"""

from dataclasses import dataclass
from typing import Any, Self

from shared.bookkeeping.writers import Writers
from shared.contracts import lenient_json
from shared.contracts.events.call_started import is_call_started, read_call_started
from shared.contracts.events.outcome import Outcome
from shared.contracts.events.recording_event import UnreadableEvent, read_event
from shared.contracts.http.limits import EVENTS_BYTES
from shared.contracts.http.mistakes import malformed
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.keys import recording_key_of
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import REPLAYABLE, ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import BodyTooLarge, InvalidRequest, LeaseLost, NotFound
from shared.gateways.bundle import Gateways
from shared.intake.intake import FOREIGN, Intake, IntakeResult
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("replay")

_MOST_EVENTS = 1000
_ROUNDS = 5  # tries of a conditional write; each fails only if a worker wrote the chunk at the same moment


@dataclass(frozen=True, kw_only=True)
class SubmittedEvent:
    """An event that a person sent, and what became of it. `event_id` is None if the event has no usable id."""

    event_id: str | None
    result: IntakeResult

    @classmethod
    def of(cls, envelope: dict[str, Any], result: IntakeResult) -> Self:
        event_id = lenient_json.Members(envelope).read("id", lenient_json.identifier)
        return cls(event_id=event_id, result=result)


class Replay:
    """Replays chunks, and events that weren't processed."""

    def __init__(self, gateways: Gateways, intake: Intake, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue, self._jobs = gateways.catalogue, gateways.jobs
        self._quarantine, self._audit, self._intake = gateways.quarantine, gateways.audit, intake
        self._clock, self._settings = clock, settings

    async def recording(self, named: str, document_id: str | None = None, *, by: str) -> int:
        """Replays failed, lost and pending chunks, or only that of `document_id`. Returns how many were queued.

        `named` is the recordingId or the recording's key. Raises NotFound for a recording or chunk that the catalogue
        doesn't have.
        """
        recording, chunks = await self._catalogue.recording(recording_key_of(named))
        wanted = [chunk for chunk in chunks if document_id in (None, chunk.document_id)]
        if recording is None or (document_id is not None and not wanted):
            raise NotFound("the catalogue has no such recording or chunk")
        details = {} if document_id is None else {"documentId": document_id}
        entry = AuditEntry(at=self._clock.now(), action="replay", by=by, details=details)
        await self._audit.add(recording.recording_key, entry)
        return sum([await self.restart(chunk) for chunk in wanted])

    async def restart(self, chunk: Chunk) -> bool:
        """Queues one chunk and returns whether it did. The caller writes the audit entry before.

        A write that lost to another write is repeated; often the other write only recorded an announcement.
        """
        found: Chunk | None = chunk
        for _ in range(_ROUNDS):
            if found is None or found.state not in {*REPLAYABLE, ChunkState.PENDING}:
                return False
            await self._writers.open_work.add(WorkItem.of_chunk(found, self._clock.now() + self._settings.sweep_grace))
            try:
                found = await self._write_pending(found)
            except LeaseLost:
                found = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key)
                continue
            # Again, because the sweep may have seen the chunk before the write above: ended, so it removed the row.
            await self._writers.open_work.add(WorkItem.of_chunk(found, self._clock.now() + self._settings.sweep_grace))
            await self._jobs.send(ChunkJob.of(found))
            log.info("chunk replayed", extra={"action": "replay", **found.log_context()})
            return True
        return False

    async def _write_pending(self, chunk: Chunk) -> Chunk:
        if chunk.state in REPLAYABLE:
            return await self._writers.chunks.replace(
                chunk.restarted(self._clock.now()).evolve(rescues=0, escalated=None)
            )
        if chunk.next_attempt_at is not None:
            return await self._writers.chunks.replace(chunk.evolve(next_attempt_at=None))
        return await self._writers.chunks.without_trouble(chunk)

    async def quarantined(self, quarantine_id: str, *, by: str) -> SubmittedEvent:
        """Processes a quarantined event, for example after an update that can parse it.

        The event stays in the quarantine, marked as replayed, so that it no longer needs attention.
        Raises NotFound for an unknown id, and InvalidRequest if the event still can't be parsed or isn't from the ACS
        resource of EVENT_SOURCE.
        """
        body = await self._quarantine.read(f"{quarantine_id}.json") if quarantine_id.isalnum() else None
        if body is None:
            raise NotFound("the quarantine has no event of this id; ids are the names of its blobs, without .json")
        envelope: Any = lenient_json.parse(body)["event"]
        read = read_call_started if is_call_started(envelope) else read_event
        try:
            read(envelope)
        except UnreadableEvent as error:
            raise InvalidRequest(f"the event still can't be parsed: {error}") from None
        if self._intake.is_foreign(envelope):
            raise InvalidRequest(f"{FOREIGN}; correct EVENT_SOURCE if it is wrong")
        result = await self._intake.receive_by_hand(envelope, by=by)
        if result.outcome is not Outcome.QUARANTINED:
            await self._quarantine.mark_replayed(f"{quarantine_id}.json", self._clock.now())
        return SubmittedEvent.of(envelope, result)

    async def events(self, body: bytes, *, by: str) -> list[SubmittedEvent]:
        """Processes events that an operator sends: one object or an array of objects, as a dead-letter blob contains.

        Raises InvalidRequest for any other body, and BodyTooLarge. Both are raised before any event is processed.
        """
        if len(body) > EVENTS_BYTES:
            raise BodyTooLarge(EVENTS_BYTES)
        try:
            parsed = lenient_json.parse(body)
        except (ValueError, RecursionError):
            raise InvalidRequest.of("body", f"{malformed(body)}; send one event or an array of events") from None
        envelopes = parsed if isinstance(parsed, list) else [parsed]
        if not 0 < len(envelopes) <= _MOST_EVENTS or not all(isinstance(one, dict) for one in envelopes):
            raise InvalidRequest.of("body", f"must be one event, or an array of 1 to {_MOST_EVENTS} events")
        return [SubmittedEvent.of(one, await self._intake.receive_by_hand(one, by=by)) for one in envelopes]
