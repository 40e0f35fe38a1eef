"""Handles a chunk that an event reports again.

        read ──> history (old locations) ──> chunk ──> worklist and queue, by the caller
                            1                  2                    3

- The same event again, before the first attempt: the chunk is queued again, because a crash may have prevented 3.
- Other locations for a chunk that isn't safe yet: they replace the old locations, which the recording's history keeps.
  A worker that copies from an old location loses its lease.
- But a location is not used if it names another document while the known one doesn't, if the event is older than the
  event whose locations the chunk has (eventTime), or if the event was replaced before and is delivered again. Event
  Grid delivers in any order. Events of the same or of an unknown time count in the order of delivery. The difference is
  reported.
- Locations of the chunk's document that aren't used, or no longer, are kept in the row: attempts try them when the
  source isn't at the location in use.
- Another event for a chunk that failed, is lost, or had a file removed from the archive before its source was deleted:
  ACS has the file, so the chunk is restarted. An expired chunk isn't: the archive's lifecycle rule deleted its file on
  purpose.
- Other locations for a chunk that is safe: the difference is reported, and nothing changes. An archived chunk whose
  media file is unverified, or that has no metadata file, isn't safe: the new location may serve the right file.

The write of 2 is conditional on the version that was read. A crash before 2 leaves an entry in the history. A crash
after 2 leaves a pending chunk without an attempt, which the next delivery queues.
"""

from contextlib import suppress
from dataclasses import dataclass

from shared.bookkeeping.writers import Writers
from shared.domain.clock import Clock
from shared.domain.files.other_locations import Locations, with_other
from shared.domain.files.source_locations import names_another
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import ONCE_SAFE, REPLAYABLE, ChunkState
from shared.errors import DestinationUnavailable, LeaseLost
from shared.gateways.bundle import Gateways
from shared.intake.event_locations import (
    Location,
    is_among_others,
    is_newer,
    moved_locations,
    relocated,
    replaces,
    shown_locations,
)
from shared.observability.logs import logger

log = logger("intake")

_ROUNDS = 5  # tries of the conditional write; each fails only if a worker wrote the chunk meanwhile
_RELOCATED, _DIFFERS = "relocated", "reported differently"  # actions in the history
_SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Which of an event's other locations the chunk gets, which it doesn't get, and why not."""

    used: list[Location]
    unused: list[Location]
    why: str = ""


class KnownChunks:
    """Handles reported chunks that are in the catalogue already."""

    def __init__(self, gateways: Gateways, clock: Clock) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue, self._audit, self._clock = gateways.catalogue, gateways.audit, clock

    async def announced_again(self, current: Chunk, announced: Chunk, *, by: str) -> Chunk | None:
        """Returns the chunk as it is now if the caller must queue it, or None if nothing must be done.

        `current` is the chunk in the catalogue, `announced` the chunk of the event, `by` the author in audit entries.
        Raises DestinationError when storage fails.
        """
        for _ in range(_ROUNDS):
            choice = await self._choose(current, announced)
            if choice.unused:
                await self._report(current, announced, choice, by=by)
            revived = _is_revivable(current) and current.event_id != announced.event_id
            restarts = bool(choice.used) or (revived and choice.why != _SUPERSEDED)
            following = _with_unused(current, announced, choice)
            if restarts:
                following = self._restarted(following, announced, choice.used)
            elif following is current:
                untried = current.state is ChunkState.PENDING and current.attempts == 0
                if not untried or choice.why:
                    return None
                with suppress(LeaseLost):
                    current = await self._writers.chunks.without_trouble(current)
                return current
            if choice.used:
                await self._keep_old(current, choice.used, by)
            try:
                written = await self._writers.chunks.replace(following)
            except LeaseLost:
                current = await self._read(current)
                continue
            if not restarts:
                return None
            extra = {"action": "intake", "relocated": choice.used, "was": str(current.state), **written.log_context()}
            log.warning("chunk reported again", extra=extra)
            return written
        raise DestinationUnavailable.contended("the chunk in the catalogue")

    async def _read(self, chunk: Chunk) -> Chunk:
        found = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key)
        if found is None:
            raise DestinationUnavailable("restarting a reported chunk: its row no longer exists")
        return found

    def _restarted(self, current: Chunk, announced: Chunk, moved: list[Location]) -> Chunk:
        # A pending chunk keeps its state; the results of its earlier attempts are still cleared.
        tried = current.evolve(state=ChunkState.COPYING) if current.state is ChunkState.PENDING else current
        return relocated(tried.restarted(self._clock.now()), announced, moved).evolve(
            event_id=announced.event_id,
            event_time=max(current.event_time, announced.event_time),
            deadline=max(current.deadline, announced.deadline),
            gone=0,
            gone_since=None,
            rescues=0,
            escalated=None,
            traceparent=announced.traceparent or current.traceparent,
        )

    async def _choose(self, current: Chunk, announced: Chunk) -> _Choice:
        """Which of the event's locations the chunk gets."""
        moved = moved_locations(current, announced)
        if not moved:
            return _Choice(used=[], unused=[])
        if _is_kept(current, moved):
            return _Choice(used=[], unused=moved, why="archived")
        if not is_newer(announced, current) and is_among_others(current, announced):
            is_repeat = _is_revivable(current) and await self._is_in_history(current, announced, _RELOCATED, _DIFFERS)
            return _Choice(used=[], unused=[], why=_SUPERSEDED if is_repeat else "known")
        used = [location for location in moved if replaces(location, current, announced)]
        if used and await self._is_in_history(current, announced, _RELOCATED):
            return _Choice(used=[], unused=moved, why=_SUPERSEDED)
        unused = [location for location in moved if location not in used]
        contradicts = any(names_another(location.of(announced) or "", current) for location in unused)
        return _Choice(used=used, unused=unused, why="names another document" if contradicts else "older")

    async def _is_in_history(self, current: Chunk, announced: Chunk, *actions: str) -> bool:
        """Whether the history says that this event was replaced, or wasn't used."""
        if current.event_id == announced.event_id:
            return False
        named = {"documentId": current.document_id, "eventId": announced.event_id}
        history = await self._audit.history(current.recording_key)
        return any(entry.action in actions and named.items() <= entry.details.items() for entry in history)

    async def _keep_old(self, current: Chunk, moved: list[Location], by: str) -> None:
        details = {"documentId": current.document_id, "eventId": current.event_id, **shown_locations(current, moved)}
        entry = AuditEntry(at=self._clock.now(), action=_RELOCATED, by=by, details=details)
        await self._audit.add(current.recording_key, entry)

    async def _report(self, current: Chunk, announced: Chunk, choice: _Choice, *, by: str) -> None:
        """Logs each delivery, and adds one history entry per event: a repeat's entry has the same time and mark."""
        extra = {"action": "intake", "differs": choice.unused, "why": choice.why, **current.log_context()}
        log.warning("locations of an event not used", extra=extra)
        unused = shown_locations(announced, choice.unused)
        details = {"documentId": current.document_id, "eventId": announced.event_id, **unused}
        mark = key_of(f"{announced.event_id}/{current.document_id}")
        entry = AuditEntry(at=announced.event_time, action=_DIFFERS, by=by, details=details, mark=mark)
        await self._audit.add(current.recording_key, entry)


def _with_unused(current: Chunk, announced: Chunk, choice: _Choice) -> Chunk:
    """The chunk with the event's unused locations among its others, unless it needs none."""
    if not choice.unused or choice.why == _SUPERSEDED or current.state in ONCE_SAFE:
        return current
    return with_other(current, Locations.of(announced))


def _is_revivable(chunk: Chunk) -> bool:
    """Whether a new event restarts the chunk. A chunk whose source was deleted can't be copied again."""
    return chunk.state in REPLAYABLE or (chunk.state is ChunkState.REMOVED and chunk.released_at is None)


def _is_kept(chunk: Chunk, moved: list[Location]) -> bool:
    """Whether the chunk keeps its locations, because it is safe and needs none of the files whose locations differ."""
    if chunk.state is not ChunkState.ARCHIVED:
        return chunk.state in ONCE_SAFE and not _is_revivable(chunk)
    lacks_media = chunk.unverified is not None and Location.CONTENT in moved
    lacks_metadata = chunk.metadata_blob_name is None and Location.METADATA in moved
    return not lacks_media and not lacks_metadata
