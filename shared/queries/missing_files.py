"""Checks whether the archived files of a chunk still exist, and updates the catalogue if they don't.

Nobody reports that a file was removed: a read finds it missing. The read then writes the chunk's state, if the row is
still the version that it read. `expired`: the archive's own lifecycle rule removes files of that age. `removed`:
somebody else did. A file that is back, as after an undelete, gives the chunk its former state. A file in the archive
tier is there.

        state ──> audit entry             worklist ──> pending ──> worklist ──> job
          1            2                      1           2            3         4

On the right, an archived chunk whose source ACS still has is copied again. A crash after 1 on the left leaves a state
that the history doesn't mention; on the right the sweep does what is left.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.bookkeeping.books import Books
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


class Presence:
    """Checks for archived files and records which ones are missing."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._books = Books.over(gateways)
        self._archived, self._catalogue = gateways.archived, gateways.catalogue
        self._audit, self._jobs = gateways.audit, gateways.jobs
        self._clock, self._settings = clock, settings

    async def of(self, chunks: Sequence[Chunk], metadata: Sequence[MetadataRead]) -> tuple[Chunk, ...]:
        """The chunks as they stand once each media file was looked for: one operation a chunk, eight at once."""
        some = asyncio.Semaphore(_AT_ONCE)
        return tuple(
            await asyncio.gather(
                *(self._look_for_media(chunk, read, some) for chunk, read in zip(chunks, metadata, strict=True))
            )
        )

    async def _look_for_media(self, chunk: Chunk, read: MetadataRead, some: asyncio.Semaphore) -> Chunk:
        if chunk.state not in ONCE_SAFE:
            return chunk
        if read.is_absent is None:
            return await self.look(chunk, some)
        async with some:
            media = await self._is_absent(chunk.blob_name)
        return await self._record(chunk, MissingFile.of(media=media, metadata=read.is_absent))

    async def corrected(self, chunks: Sequence[Chunk], metadata: Sequence[MetadataRead]) -> tuple[Chunk, ...]:
        """The chunks as they stand once those were looked at whose metadata file isn't where the catalogue has it.

        Costs nothing where the catalogue is right.
        """
        some = asyncio.Semaphore(_AT_ONCE)

        async def correct(chunk: Chunk, read: MetadataRead) -> Chunk:
            if chunk.state not in ONCE_SAFE or read.is_absent in (None, chunk.lacks_metadata):
                return chunk
            return await self.look(chunk, some)

        return tuple(await asyncio.gather(*map(correct, chunks, metadata)))

    async def look(self, chunk: Chunk, some: asyncio.Semaphore | None = None) -> Chunk:
        """The chunk as it stands once both its files were looked for; one that never was safe stays as it is."""
        if chunk.state not in ONCE_SAFE:
            return chunk
        async with some or contextlib.nullcontext():
            media = await self._is_absent(chunk.blob_name)
            metadata = await self._is_absent(chunk.metadata_blob_name)
        return await self._record(chunk, MissingFile.of(media=media, metadata=metadata))

    async def _is_absent(self, name: str | None) -> bool:
        return name is not None and await self._archived.find(name) is None

    async def _record(self, chunk: Chunk, missing: MissingFile | None) -> Chunk:
        """Writes what was found, unless the catalogue has it. Of two reads that find the same, one writes it."""
        now = self._clock.now()
        judged = chunk
        for _ in range(_ROUNDS):
            if chunk.state not in ONCE_SAFE or chunk.missing == missing:
                return chunk
            judged = self._judged(chunk, missing, now)
            try:
                if judged.state is ChunkState.REMOVED and _has_source(chunk, now):
                    return await self._copy_again(chunk, judged, now)
                return await self._write(chunk, judged, now)
            except LeaseLost:
                current = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key) or chunk
                if current.archived_at != chunk.archived_at:
                    return current  # the chunk was archived again: the result concerns its former files
                chunk = current
        return judged

    def _judged(self, chunk: Chunk, missing: MissingFile | None, now: datetime) -> Chunk:
        """The chunk with its files as they were found."""
        found = chunk.evolve(missing=missing)
        state = self._state(chunk, found, now)
        changes: dict[str, Any] = {}
        if state is ChunkState.REMOVED:
            changes = {"removed_at": chunk.removed_at or now, "expired_at": None, "failure": _failure(missing)}
        elif state is not chunk.state:
            at = (chunk.expired_at or now) if state is ChunkState.EXPIRED else None
            changes = {"removed_at": None, "expired_at": at, "failure": None}
        return found.evolve(**changes) if state is chunk.state else found.move(state, **changes)

    def _state(self, before: Chunk, found: Chunk, now: datetime) -> ChunkState:
        """The media file decides the state: a chunk whose metadata file alone expired keeps its state."""
        was = ChunkState.RELEASED if before.released_at else ChunkState.ARCHIVED
        if found.missing is None:
            return was
        if before.lacks_media and found.lacks_media:
            return before.state
        if not self._is_due(before, now):
            return ChunkState.REMOVED
        return ChunkState.EXPIRED if found.lacks_media else was

    def _is_due(self, chunk: Chunk, now: datetime) -> bool:
        """Whether the archive's rule removes files of this chunk's age. It runs once a day or so, and never early.

        A file may be older than `archived_at`, as when a later attempt found it in the archive, but not than its event.
        Taking the event's time, a removal by hand in a file's very last hours passes for the rule's; the other way
        round the rule's own work would be an alert.
        """
        life = self._settings.archive_life
        created = min(chunk.event_time, chunk.archived_at or chunk.event_time)
        return life is not None and now - created >= life

    async def _write(self, before: Chunk, judged: Chunk, now: datetime) -> Chunk:
        recovered = before.state is ChunkState.REMOVED and judged.state is not ChunkState.REMOVED
        chunks = self._books.chunks
        written = await (chunks.replace_out_of_trouble(judged) if recovered else chunks.replace(judged))
        if written.state in MISSING and written.state is not before.state:
            metrics.chunk_ended(written)
        await self._tell(written, now)
        return written

    async def _copy_again(self, chunk: Chunk, judged: Chunk, now: datetime) -> Chunk:
        await self._books.open_work.add(WorkItem.of_chunk(chunk, now + self._settings.sweep_grace))
        pending = await self._books.chunks.replace(chunk.evolve(missing=judged.missing).fresh(now))
        # Once more: if this took long, the sweep found the chunk archived and removed its row.
        await self._books.open_work.add(WorkItem.of_chunk(pending, self._clock.now() + self._settings.sweep_grace))
        await self._jobs.send(ChunkJob.of(pending))
        await self._tell(judged, now)
        return pending

    async def _tell(self, chunk: Chunk, now: datetime) -> None:
        context = {"action": "read", "missing": chunk.missing, **chunk.log_context()}
        details = {"documentId": chunk.document_id}
        if chunk.missing is None:
            log.info("archived file is back", extra=context)
            action = "found again"
        elif chunk.state is ChunkState.REMOVED:
            log.error("archived file removed", extra={**context, "reason": chunk.reason})
            action = "removed"
        else:
            log.info("archived file expired", extra=context)
            action = "expired"
        if chunk.missing is not None:
            details["missing"] = chunk.missing
        await self._audit.add(chunk.recording_key, AuditEntry(at=now, action=action, by="Callvault", details=details))


def _has_source(chunk: Chunk, now: datetime) -> bool:
    """Whether ACS should still have the source. A row that was rebuilt from the archive doesn't know where."""
    return chunk.state is ChunkState.ARCHIVED and bool(chunk.content_location) and now < chunk.deadline


def _failure(missing: MissingFile | None) -> Failure | None:
    if missing is None:
        return None
    what = "both files" if missing is MissingFile.BOTH else f"the {missing} file"
    return Failure(
        fault=Fault.DESTINATION,
        reason=_REASONS[missing],
        detail=f"somebody removed {what} from the archive: restore what was deleted, from soft delete or a version",
    )
