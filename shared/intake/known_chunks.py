"""Handles a chunk that an event reports again.

        read ──> history (old locations) ──> chunk ──> worklist and queue, by the caller
                            1                  2                    3

- The same event again, before the first attempt: the chunk is queued again, because a crash may have prevented 3.
- Other locations for a chunk that isn't safe yet: they replace the old locations, which the recording's history keeps.
  A worker that copies from an old location loses its lease. If an older event with replaced locations is delivered
  again, it changes nothing.
- Another event for a chunk that failed, is lost, or had a file removed from the archive before its source was deleted:
  ACS has the file, so the chunk is restarted. An expired chunk isn't: the archive's lifecycle rule deleted its file on
  purpose.
- Other locations for a chunk that is safe: the difference is reported, and nothing changes. An archived chunk whose
  media file is unverified, or that has no metadata file, isn't safe: the new location may serve the right file.

The write of 2 is conditional on the version that was read. A crash before 2 leaves an entry in the history. A crash
after 2 leaves a pending chunk without an attempt, which the next delivery queues.
"""

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic.alias_generators import to_camel

from shared.bookkeeping.writers import Writers
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import ONCE_SAFE, REPLAYABLE, ChunkState
from shared.errors import DestinationUnavailable, LeaseLost
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger

log = logger("intake")

_ROUNDS = 5  # tries of the conditional write; each fails only if a worker wrote the chunk meanwhile
_RELOCATED, _DIFFERS = "relocated", "reported differently"
_LONGEST = 2048  # characters of a location in the history; a row's text ends at 32,768


class _Location(StrEnum):
    """The locations of a chunk."""

    CONTENT = "content_location"
    METADATA = "metadata_location"
    DELETE = "delete_location"

    def of(self, chunk: Chunk) -> str | None:
        match self:
            case _Location.CONTENT:
                return chunk.content_location
            case _Location.METADATA:
                return chunk.metadata_location
            case _Location.DELETE:
                return chunk.delete_location


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
            moved = _moved(current, announced)
            if moved and (why := await self._why_unused(current, announced, moved)):
                await self._report(current, announced, moved, why=why, by=by)
                return None
            revived = _is_revivable(current) and current.event_id != announced.event_id
            if not moved and not revived:
                untried = current.state is ChunkState.PENDING and current.attempts == 0
                return current if untried else None
            if moved:
                await self._keep_old(current, moved, by)
            try:
                written = await self._writers.chunks.replace(self._restarted(current, announced, moved))
            except LeaseLost:
                current = await self._read(current)
            else:
                log.warning(
                    "chunk reported again",
                    extra={"action": "intake", "relocated": moved, "was": str(current.state), **written.log_context()},
                )
                return written
        raise DestinationUnavailable.contended("the chunk in the catalogue")

    async def _read(self, chunk: Chunk) -> Chunk:
        found = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key)
        if found is None:
            raise DestinationUnavailable("restarting a reported chunk: its row no longer exists")
        return found

    def _restarted(self, current: Chunk, announced: Chunk, moved: list[_Location]) -> Chunk:
        # A pending chunk keeps its state; the results of its earlier attempts are still cleared.
        tried = current.evolve(state=ChunkState.COPYING) if current.state is ChunkState.PENDING else current
        return _relocated(tried.restarted(self._clock.now()), announced, moved).evolve(
            event_id=announced.event_id,
            event_time=max(current.event_time, announced.event_time),
            deadline=max(current.deadline, announced.deadline),
            gone=0,
            gone_since=None,
            rescues=0,
            escalated=None,
            traceparent=announced.traceparent or current.traceparent,
        )

    async def _why_unused(self, current: Chunk, announced: Chunk, moved: list[_Location]) -> str | None:
        """Why the chunk doesn't get the event's locations; None if it gets them."""
        if _is_kept(current, moved):
            return "archived"
        return "superseded" if await self._is_superseded(current, announced) else None

    async def _is_superseded(self, current: Chunk, announced: Chunk) -> bool:
        """Whether this event was already replaced by the event whose locations the chunk uses now."""
        if current.event_id == announced.event_id:
            return False
        named = {"documentId": current.document_id, "eventId": announced.event_id}
        history = await self._audit.history(current.recording_key)
        return any(entry.action == _RELOCATED and named.items() <= entry.details.items() for entry in history)

    async def _keep_old(self, current: Chunk, moved: list[_Location], by: str) -> None:
        details = {"documentId": current.document_id, "eventId": current.event_id, **_locations(current, moved)}
        entry = AuditEntry(at=self._clock.now(), action=_RELOCATED, by=by, details=details)
        await self._audit.add(current.recording_key, entry)

    async def _report(self, current: Chunk, announced: Chunk, moved: list[_Location], *, why: str, by: str) -> None:
        """Logs each delivery, and adds one history entry per event: a repeat's entry has the same time and mark."""
        extra = {"action": "intake", "differs": moved, "why": why, **current.log_context()}
        log.warning("locations of an event not used", extra=extra)
        details = {"documentId": current.document_id, "eventId": announced.event_id, **_locations(announced, moved)}
        mark = key_of(f"{announced.event_id}/{current.document_id}")
        entry = AuditEntry(at=announced.event_time, action=_DIFFERS, by=by, details=details, mark=mark)
        await self._audit.add(current.recording_key, entry)


def _moved(current: Chunk, announced: Chunk) -> list[_Location]:
    """The locations that differ in the event. A location that the event omits counts as unchanged."""
    return [location for location in _Location if location.of(announced) not in (None, location.of(current))]


def _relocated(chunk: Chunk, announced: Chunk, moved: list[_Location]) -> Chunk:
    """The chunk with the event's locations, without the files from old ones: the next attempt checks the archive."""
    if _Location.CONTENT in moved:
        chunk = chunk.evolve(
            content_location=announced.content_location, blob_name=None, size=None, sha256=None, unverified=None
        )
    if _Location.METADATA in moved:
        chunk = chunk.evolve(
            metadata_location=announced.metadata_location,
            metadata_blob_name=None,
            metadata_size=None,
            metadata_sha256=None,
        )
    return chunk.evolve(delete_location=announced.delete_location) if _Location.DELETE in moved else chunk


def _is_revivable(chunk: Chunk) -> bool:
    """Whether a new event restarts the chunk. A chunk whose source was deleted can't be copied again."""
    return chunk.state in REPLAYABLE or (chunk.state is ChunkState.REMOVED and chunk.released_at is None)


def _is_kept(chunk: Chunk, moved: list[_Location]) -> bool:
    """Whether the chunk keeps its locations, because it is safe and needs none of the files whose locations differ."""
    if chunk.state is not ChunkState.ARCHIVED:
        return chunk.state in ONCE_SAFE and not _is_revivable(chunk)
    lacks_media = chunk.unverified is not None and _Location.CONTENT in moved
    lacks_metadata = chunk.metadata_blob_name is None and _Location.METADATA in moved
    return not lacks_media and not lacks_metadata


def _locations(chunk: Chunk, locations: list[_Location]) -> dict[str, str]:
    """The chunk's locations by their names in the event, without the parts that may hold a secret."""
    found = {to_camel(location): location.of(chunk) for location in locations}
    return {name: _without_secrets(location) for name, location in found.items() if location is not None}


def _without_secrets(location: str) -> str:
    """A location without user, query and fragment, any of which may hold a secret."""
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:_LONGEST]
    except ValueError:
        return "not a URL"
