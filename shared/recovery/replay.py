"""Puts failed work back by hand: a recording's chunks, one chunk, a quarantined event, or a dead-lettered one.

Everything here may be repeated. A chunk that is safe or being copied is left alone; one that is waiting gets a job.
For a crash between two writes: the audit comes first, so that what was asked for stays on record; the worklist has the
chunk before its state says that it is waiting, and again after that, and the job is sent last. So the sweep finds
whatever was left undone, and a row that it removed between the first two writes is there again.
"""

from typing import Any

from shared.bookkeeping.books import Books
from shared.contracts import lenient
from shared.contracts.events.call_started import is_call_started, read_call_started
from shared.contracts.events.recording_event import UnreadableEvent, read_event
from shared.contracts.http.limits import EVENTS_BYTES
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.keys import recording_key_of
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import REPLAYABLE, ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import BodyTooLarge, InvalidRequest, LeaseLost, NotFound
from shared.gateways.bundle import Gateways
from shared.intake.intake import FOREIGN, Intake, Taken
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("replay")

_MOST_EVENTS = 1000
_ROUNDS = 5  # each is lost only to a worker that wrote the chunk at the same moment


class Replay:
    """Failed work, put back."""

    def __init__(self, gateways: Gateways, intake: Intake, clock: Clock, settings: Settings) -> None:
        self._books = Books.over(gateways)
        self._catalogue, self._jobs = gateways.catalogue, gateways.jobs
        self._quarantine, self._audit, self._intake = gateways.quarantine, gateways.audit, intake
        self._clock, self._settings = clock, settings

    async def recording(self, named: str, document_id: str | None = None, *, by: str) -> int:
        """Puts back what failed of a recording, named by id or key, or of one of its chunks; gives their number.

        Raises NotFound for a recording or chunk that the catalogue doesn't have.
        """
        recording, chunks = await self._catalogue.recording(recording_key_of(named))
        wanted = [chunk for chunk in chunks if document_id in (None, chunk.document_id)]
        if recording is None or (document_id is not None and not wanted):
            raise NotFound("the catalogue has no such recording or chunk")
        details = {} if document_id is None else {"documentId": document_id}
        entry = AuditEntry(at=self._clock.now(), action="replay", by=by, details=details)
        await self._audit.add(recording.recording_key, entry)
        return sum([await self._put_back(chunk) for chunk in wanted])

    async def _put_back(self, chunk: Chunk) -> bool:
        """Repeats a write that another write preceded: often the other write only recorded an announcement."""
        found: Chunk | None = chunk
        for _ in range(_ROUNDS):
            if found is None or found.state not in {*REPLAYABLE, ChunkState.PENDING}:
                return False
            await self._books.open_work.add(WorkItem.of_chunk(found, self._clock.now() + self._settings.sweep_grace))
            try:
                found = await self._start_anew(found)
            except LeaseLost:
                found = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key)
                continue
            # Once more: if this took long, the sweep found a chunk that had ended and removed its row.
            await self._books.open_work.add(WorkItem.of_chunk(found, self._clock.now() + self._settings.sweep_grace))
            await self._jobs.send(ChunkJob.of(found))
            log.info("chunk put back", extra={"action": "replay", **found.log_context()})
            return True
        return False

    async def _start_anew(self, chunk: Chunk) -> Chunk:
        if chunk.state in REPLAYABLE:
            return await self._books.chunks.replace(chunk.fresh(self._clock.now()).evolve(rescues=0, escalated=None))
        if chunk.next_attempt_at is not None:
            return await self._books.chunks.replace(chunk.evolve(next_attempt_at=None))
        return chunk

    async def quarantined(self, quarantine_id: str, *, by: str) -> Taken:
        """Reads a quarantined event again, as after an update that understands it.

        Raises NotFound for an unknown id, InvalidRequest when it still can't be read or is from another resource than
        EVENT_SOURCE. What was kept stays kept.
        """
        body = await self._quarantine.read(f"{quarantine_id}.json") if quarantine_id.isalnum() else None
        if body is None:
            raise NotFound("the quarantine has no event of this id; ids are the names of its blobs, without .json")
        envelope: Any = lenient.parse(body)["event"]
        read = read_call_started if is_call_started(envelope) else read_event
        try:
            read(envelope)
        except UnreadableEvent as error:
            raise InvalidRequest(f"the event still can't be read: {error}") from None
        if self._intake.is_foreign(envelope):
            raise InvalidRequest(f"{FOREIGN}; correct EVENT_SOURCE if it is wrong")
        return await self._intake.receive_by_hand(envelope, by=by)

    async def events(self, body: bytes, *, by: str) -> list[Taken]:
        """Takes in events by hand, one object or an array of them, as a dead-letter file holds them.

        Raises InvalidRequest when the body is neither, and BodyTooLarge, before any event is taken in.
        """
        if len(body) > EVENTS_BYTES:
            raise BodyTooLarge(EVENTS_BYTES)
        try:
            parsed = lenient.parse(body)
        except (ValueError, RecursionError):
            raise InvalidRequest.of("body", "must be JSON: one event or an array of events") from None
        envelopes = parsed if isinstance(parsed, list) else [parsed]
        if not 0 < len(envelopes) <= _MOST_EVENTS or not all(isinstance(one, dict) for one in envelopes):
            raise InvalidRequest.of("body", f"must be one event, or an array of 1 to {_MOST_EVENTS} events")
        return [await self._intake.receive_by_hand(envelope, by=by) for envelope in envelopes]
