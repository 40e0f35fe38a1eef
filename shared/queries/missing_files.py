"""Checks whether the archived files of a chunk still exist, and updates the catalogue if they don't.

Azure doesn't report that a file was removed, so each read of a file checks that the file exists. If it doesn't, the
read writes the chunk's new state, unless another process changed the row meanwhile. `expired`: the archive's lifecycle
rule removes files of that age. `removed`: someone removed the file. If the file is restored, the chunk gets its former
state back. A file in the archive tier counts as present.

        state, log line ──> audit entry
               1                2

        worklist ──> pending, log line ──> worklist ──> audit entry ──> job
            1                2                 3             4           5

The first line is the usual case. The second is an archived chunk whose source ACS still has: it is copied again.
A crash before the audit entry leaves a change without it. After any crash on the second line, the sweep queues the job.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime

from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.failure import Failure
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import MISSING, ONCE_SAFE, ChunkState, MissingFile
from shared.domain.work_item import WorkItem
from shared.errors import Fault, LeaseLost
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.queries.archived_metadata import MetadataRead
from shared.settings.settings import Settings

log = logger("presence")

_AT_ONCE = 8  # files checked concurrently
_ROUNDS = 3  # tries of the conditional write of a state
_REASONS = {
    MissingFile.MEDIA: "media-removed",
    MissingFile.METADATA: "metadata-removed",
    MissingFile.BOTH: "files-removed",
}


class MissingFiles:
    """Checks for archived files and records which ones are missing."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._archived, self._catalogue = gateways.archive_reader, gateways.catalogue
        self._audit, self._jobs = gateways.audit, gateways.jobs
        self._clock, self._settings = clock, settings

    async def check_all(self, chunks: Sequence[Chunk], metadata: Sequence[MetadataRead]) -> tuple[Chunk, ...]:
        """Checks the media file of each chunk, with one storage operation a chunk, and returns the updated chunks.

        `metadata` says which metadata files are missing.
        """
        limit = asyncio.Semaphore(_AT_ONCE)
        return tuple(
            await asyncio.gather(
                *(self._check_media(chunk, read, limit) for chunk, read in zip(chunks, metadata, strict=True))
            )
        )

    async def _check_media(self, chunk: Chunk, read: MetadataRead, limit: asyncio.Semaphore) -> Chunk:
        if chunk.state not in ONCE_SAFE:
            return chunk
        if read.is_missing is None:
            return await self.check(chunk, limit)
        async with limit:
            media = await self._is_missing(chunk.blob_name)
        return await self._record(chunk, MissingFile.of(media=media, metadata=read.is_missing))

    async def check(self, chunk: Chunk, limit: asyncio.Semaphore | None = None) -> Chunk:
        """Checks both files of a chunk and returns the updated chunk. A chunk that was never safe isn't checked."""
        if chunk.state not in ONCE_SAFE:
            return chunk
        async with limit or contextlib.nullcontext():
            media = await self._is_missing(chunk.blob_name)
            metadata = await self._is_missing(chunk.metadata_blob_name)
        return await self._record(chunk, MissingFile.of(media=media, metadata=metadata))

    async def _is_missing(self, name: str | None) -> bool:
        return name is not None and await self._archived.find(name) is None

    async def _record(self, chunk: Chunk, missing: MissingFile | None) -> Chunk:
        """Writes the result if it is new to the catalogue. If two reads find the same, only one of them writes it."""
        now = self._clock.now()
        updated = chunk
        for _ in range(_ROUNDS):
            if chunk.state not in ONCE_SAFE or chunk.missing == missing:
                return chunk
            updated = self._updated(chunk, missing, now)
            try:
                if updated.state is ChunkState.REMOVED and _has_source(chunk, now):
                    return await self._copy_again(chunk, updated, now)
                return await self._write(chunk, updated, now)
            except LeaseLost:
                current = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key) or chunk
                if current.archived_at != chunk.archived_at:
                    return current  # the chunk was archived again: the result concerns its former files
                chunk = current
        return updated

    def _updated(self, chunk: Chunk, missing: MissingFile | None, now: datetime) -> Chunk:
        """The chunk, changed according to the files that are missing."""
        found = chunk.evolve(missing=missing)
        state = self._state(chunk, found, now)
        updated = found if state is chunk.state else found.move(state)
        if state is ChunkState.REMOVED:
            return updated.evolve(removed_at=chunk.removed_at or now, expired_at=None, failure=_failure(missing))
        if state is chunk.state:
            return updated
        expired_at = (chunk.expired_at or now) if state is ChunkState.EXPIRED else None
        return updated.evolve(removed_at=None, expired_at=expired_at, failure=None)

    def _state(self, before: Chunk, found: Chunk, now: datetime) -> ChunkState:
        """The chunk's new state. A chunk of which only the metadata file expired keeps its state."""
        was = ChunkState.RELEASED if before.released_at else ChunkState.ARCHIVED
        if found.missing is None:
            return was
        if before.lacks_media and found.lacks_media:
            return before.state
        if not self._may_have_expired(before, now):
            return ChunkState.REMOVED
        return ChunkState.EXPIRED if found.lacks_media else was

    def _may_have_expired(self, chunk: Chunk, now: datetime) -> bool:
        """Whether the archive's lifecycle rule may have deleted files of this chunk's age. The rule runs about daily.

        A file can be older than `archived_at`, if a later attempt found it in the archive, but not older than its
        event. So the file's age is counted from the event. A removal by hand in the last hours before the rule then
        counts as expired. Counting from `archived_at` would raise an alert for files that the rule deleted.
        """
        life = self._settings.archive_life
        created = min(chunk.event_time, chunk.archived_at or chunk.event_time)
        return life is not None and now - created >= life

    async def _write(self, before: Chunk, updated: Chunk, now: datetime) -> Chunk:
        recovered = before.state is ChunkState.REMOVED and updated.state is not ChunkState.REMOVED
        chunks = self._writers.chunks
        written = await (chunks.replace_out_of_trouble(updated) if recovered else chunks.replace(updated))
        entry = _reported(written, now)
        if written.state in MISSING and written.state is not before.state:
            metrics.chunk_ended(written)
        await self._audit.add(written.recording_key, entry)
        return written

    async def _copy_again(self, chunk: Chunk, updated: Chunk, now: datetime) -> Chunk:
        await self._writers.open_work.add(WorkItem.of_chunk(chunk, now + self._settings.sweep_grace))
        pending = await self._writers.chunks.replace(chunk.evolve(missing=updated.missing).restarted(now))
        entry = _reported(updated, now)  # at once: later reads don't check a pending chunk
        # Again, because the sweep may have seen the chunk before the write above: archived, so it removed the row.
        await self._writers.open_work.add(WorkItem.of_chunk(pending, self._clock.now() + self._settings.sweep_grace))
        await self._audit.add(pending.recording_key, entry)
        await self._jobs.send(ChunkJob.of(pending))
        return pending


def _reported(chunk: Chunk, now: datetime) -> AuditEntry:
    """Logs the change of a chunk's files and returns its audit entry."""
    context = {"action": "read", "missing": chunk.missing, **chunk.log_context()}
    details = {"documentId": chunk.document_id}
    if chunk.missing is None:
        log.info("archived file restored", extra=context)
        action = "found again"
    elif chunk.state is ChunkState.REMOVED:
        log.error("archived file removed", extra={**context, "reason": chunk.reason})
        action = "removed"
    else:
        log.info("archived file expired", extra=context)
        action = "expired"
    if chunk.missing is not None:
        details["missing"] = chunk.missing
    return AuditEntry(at=now, action=action, by="Callvault", details=details)


def _has_source(chunk: Chunk, now: datetime) -> bool:
    """Whether ACS should still have the source. A row that was rebuilt from the archive has no source location."""
    return chunk.state is ChunkState.ARCHIVED and bool(chunk.content_location) and now < chunk.deadline


def _failure(missing: MissingFile | None) -> Failure | None:
    if missing is None:
        return None
    what = "both files" if missing is MissingFile.BOTH else f"the {missing} file"
    return Failure(
        fault=Fault.DESTINATION,
        reason=_REASONS[missing],
        detail=f"someone removed {what} from the archive: restore from soft delete or a version",
    )
