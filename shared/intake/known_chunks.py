"""Handles a chunk that an event announces again.

        read ──> history (old locations) ──> chunk ──> worklist and queue, by the caller
                            1                  2                    3

- The same event again, before the first attempt: the chunk is queued again, since a crash may have come before 3.
- Other locations, and the chunk isn't safe yet: they replace the old ones, which the recording's history keeps. A
  worker that copies from the old ones loses its lease. An event that was corrected already changes nothing when it is
  delivered once more.
- Another event for a chunk that failed or is lost, or that had a file removed from the archive before its source was
  deleted: ACS has the file, so the chunk starts anew. An expired chunk doesn't: the archive's own rule removed its file
  on purpose.
- Other locations for a chunk that is safe: the difference is reported, and nothing changes. An archived chunk whose
  media are unverified, or that has no metadata, is not safe: another location of that file may bring the right one.

The write of 2 is conditional on the version that was read. A crash before it leaves an entry in the history; a crash
after it leaves a chunk that waits for its first attempt, which the next delivery queues.
"""

from typing import Any
from urllib.parse import urlsplit

from shared.bookkeeping.books import Books
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import ONCE_SAFE, REPLAYABLE, ChunkState
from shared.errors import DestinationUnavailable, LeaseLost
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger

log = logger("intake")

_ROUNDS = 5  # tries of the conditional write; each fails only if a worker wrote the chunk meanwhile
_LOCATIONS = ("content_location", "metadata_location", "delete_location")
_RELOCATED, _DIFFERS = "relocated", "announced differently"
_LONGEST = 2048  # characters of a location in the history; a row's text ends at 32,768
# Facts about a file that was stored from an old location; the next attempt checks the archive again.
_OF_CONTENT: dict[str, Any] = {"blob_name": None, "size": None, "sha256": None, "unverified": None}
_OF_METADATA: dict[str, Any] = {"metadata_blob_name": None, "metadata_size": None, "metadata_sha256": None}


class KnownChunks:
    """Handles announced chunks that are in the catalogue already."""

    def __init__(self, gateways: Gateways, clock: Clock) -> None:
        self._books = Books.over(gateways)
        self._catalogue, self._audit, self._clock = gateways.catalogue, gateways.audit, clock

    async def announced_again(self, standing: Chunk, announced: Chunk, *, by: str) -> Chunk | None:
        """The current chunk, if the caller must queue it; None when there is nothing to do.

        Raises DestinationError when storage fails.
        """
        for _ in range(_ROUNDS):
            moved = _moved(standing, announced)
            if moved and (_is_settled(standing, moved) or await self._is_superseded(standing, announced)):
                await self._report(standing, announced, moved, by)
                return None
            revived = _is_revivable(standing) and standing.event_id != announced.event_id
            if not moved and not revived:
                untried = standing.state is ChunkState.PENDING and standing.attempts == 0
                return standing if untried else None
            if moved:
                await self._keep_old(standing, moved, by)
            try:
                written = await self._books.chunks.replace(self._anew(standing, announced, moved))
            except LeaseLost:
                standing = await self._read(standing)
            else:
                log.warning(
                    "chunk announced anew",
                    extra={"action": "intake", "relocated": moved, "was": str(standing.state), **written.log_context()},
                )
                return written
        raise DestinationUnavailable("announcing a chunk anew: other writers were faster each time")

    async def _read(self, chunk: Chunk) -> Chunk:
        found = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key)
        if found is None:
            raise DestinationUnavailable("announcing a chunk anew: its row is gone")
        return found

    def _anew(self, standing: Chunk, announced: Chunk, moved: list[str]) -> Chunk:
        # A pending chunk keeps its state; the results of its earlier attempts are cleared all the same.
        tried = standing.evolve(state=ChunkState.COPYING) if standing.state is ChunkState.PENDING else standing
        cleared = (_OF_CONTENT if "content_location" in moved else {}) | (
            _OF_METADATA if "metadata_location" in moved else {}
        )
        return tried.fresh(self._clock.now()).evolve(
            **{name: getattr(announced, name) for name in moved},
            **cleared,
            event_id=announced.event_id,
            event_time=max(standing.event_time, announced.event_time),
            deadline=max(standing.deadline, announced.deadline),
            gone=0,
            gone_since=None,
            rescues=0,
            escalated=None,
            traceparent=announced.traceparent or standing.traceparent,
        )

    async def _is_superseded(self, standing: Chunk, announced: Chunk) -> bool:
        """Whether this event was already replaced by the event whose locations the chunk uses now."""
        if standing.event_id == announced.event_id:
            return False
        named = {"documentId": standing.document_id, "eventId": announced.event_id}
        history = await self._audit.history(standing.recording_key)
        return any(entry.action == _RELOCATED and named.items() <= entry.details.items() for entry in history)

    async def _keep_old(self, standing: Chunk, moved: list[str], by: str) -> None:
        details = {"documentId": standing.document_id, "eventId": standing.event_id, **_told(standing, moved)}
        entry = AuditEntry(at=self._clock.now(), action=_RELOCATED, by=by, details=details)
        await self._audit.add(standing.recording_key, entry)

    async def _report(self, standing: Chunk, announced: Chunk, moved: list[str], by: str) -> None:
        """Adds one history entry per event, because repeats have the same time and mark, and logs each delivery."""
        extra = {"action": "intake", "differs": moved, **standing.log_context()}
        log.warning("chunk announced with other locations, which are not used", extra=extra)
        details = {"documentId": standing.document_id, "eventId": announced.event_id, **_told(announced, moved)}
        mark = key_of(f"{announced.event_id}/{standing.document_id}")
        entry = AuditEntry(at=announced.event_time, action=_DIFFERS, by=by, details=details, mark=mark)
        await self._audit.add(standing.recording_key, entry)


def _moved(standing: Chunk, announced: Chunk) -> list[str]:
    """Names of the locations that differ in the event. A location that the event omits counts as unchanged."""
    return [name for name in _LOCATIONS if getattr(announced, name) not in (None, getattr(standing, name))]


def _is_revivable(chunk: Chunk) -> bool:
    """Whether a new event starts the chunk anew. A source that was deleted doesn't come back."""
    return chunk.state in REPLAYABLE or (chunk.state is ChunkState.REMOVED and chunk.released_at is None)


def _is_settled(chunk: Chunk, moved: list[str]) -> bool:
    """Whether other locations change nothing: the chunk was safe, and lacks none of the files that moved."""
    if chunk.state is not ChunkState.ARCHIVED:
        return chunk.state in ONCE_SAFE and not _is_revivable(chunk)
    lacks_media = chunk.unverified is not None and "content_location" in moved
    lacks_metadata = chunk.metadata_blob_name is None and "metadata_location" in moved
    return not lacks_media and not lacks_metadata


def _told(chunk: Chunk, names: list[str]) -> dict[str, str]:
    """Locations without the parts that the history must not contain."""
    found = {name: getattr(chunk, name) for name in names}
    return {_CAMEL[name]: _bare(location) for name, location in found.items() if location is not None}


_CAMEL = {
    "content_location": "contentLocation",
    "metadata_location": "metadataLocation",
    "delete_location": "deleteLocation",
}


def _bare(location: str) -> str:
    """A location without user, query and fragment, which may hold a secret."""
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:_LONGEST]
    except ValueError:
        return "not a URL"
