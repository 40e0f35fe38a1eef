"""Deletes the source of an archived chunk, if that is safe, and removes the chunk from the worklist.

        archived ──> check ──> delete source ──> released ──> off the worklist
            1          2             3               4               5

1: the row has the files' digests. 2: unless both files were verified within the last 5 seconds, the row and
both files are checked before the delete, because the worker may have been suspended meanwhile, or the copy of the
second file may have taken longer. 3, 4: a repeated delete
succeeds, so the next job recovers from a crash between them. 5: after a crash before it, the sweep removes the row.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.announcing.announcer import Announcing
from shared.archiving.endings import Endings
from shared.archiving.files import FileCopier
from shared.archiving.retry import RetryPolicy, is_soon
from shared.archiving.stored_files import StoredFile
from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.failure import Failure
from shared.domain.files.deletion_rule import Keep, reason_to_keep
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable, LeaseLost, SourceError
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("release")

_VALID_FOR = timedelta(seconds=5)  # how long the verification of a file, or a check, counts as current
_ROUNDS = 10  # checks in a row, each of which took longer than it is valid for


class Step(Enum):
    """The result of one step of a chunk's job."""

    DONE = auto()  # nothing more to do now
    READ_AGAIN = auto()  # another process wrote the chunk: read it and continue from its new state


class Release:
    """Releases archived chunks."""

    def __init__(
        self, gateways: Gateways, copier: FileCopier, announcing: Announcing, clock: Clock, settings: Settings
    ) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue, self._jobs = gateways.catalogue, gateways.jobs
        self._source = gateways.source
        self._copier, self._announcing, self._clock, self._settings = copier, announcing, clock, settings
        self._endings = Endings(gateways, announcing, clock, settings)
        self._retries = RetryPolicy(
            base=settings.retry_base_seconds, max_attempts=settings.max_attempts, random_source=gateways.random_source
        )

    async def release(self, chunk: Chunk, *, checked_at: datetime | None = None) -> Step:
        """Deletes the source, or schedules another try if the source refuses. The archived files stay safe either way.

        `checked_at`: when the row and each of its files were last known to be correct. Raises DestinationError when
        storage fails.
        """
        keep = reason_to_keep(chunk)
        if keep is not None or not self._settings.delete_source:
            kept = await self._kept(chunk, keep)
            if kept is None:
                return Step.READ_AGAIN
            await self.close(await self._announcing.announce(kept))
            if not self._is_recent(checked_at) or kept.unverified is not None or kept.metadata_blob_name is None:
                await self._watch_if_open(kept)
            return Step.DONE
        if (instead := await self._check(chunk, checked_at)) is not None:
            return instead
        # Announce and delete concurrently: a slow topic doesn't delay the delete, and one write records both results.
        chunk, refused = await asyncio.gather(self._announcing.deliver(chunk), self._delete(chunk))
        if refused is not None:
            await self._try_later(chunk, refused)
            return Step.DONE
        try:
            released = await self._endings.release(chunk, self._writers.chunks.replace)
        except LeaseLost:
            # Another process released it, delivered its announcement, or queued it for another copy. The log line shows
            # that the source was deleted in any case.
            log.warning("source deleted, chunk changed meanwhile", extra={"action": "release", **chunk.log_context()})
            return Step.READ_AGAIN
        await self.close(released)
        return Step.DONE

    async def _check(self, chunk: Chunk, checked_at: datetime | None) -> Step | None:
        """Checks row and files until the last check is recent. Returns None if the source may be deleted now."""
        holds = self._copier.archived.holds
        for _ in range(_ROUNDS):
            if self._is_recent(checked_at):
                return None
            checked_at = self._clock.now()
            if not await self._is_safe(chunk, holds):
                await self._start_over(chunk)
                return Step.READ_AGAIN
            current = await self._catalogue.chunk(chunk.recording_key, chunk.chunk_key)
            if current is None:
                return Step.DONE
            if current.etag != chunk.etag:
                return Step.READ_AGAIN
            holds = self._copier.archived.still_holds  # reading a large file takes longer than a check is valid for
        raise DestinationUnavailable("checking the archive before a delete: it answers too slowly")

    def _is_recent(self, checked_at: datetime | None) -> bool:
        return checked_at is not None and self._clock.now() - checked_at <= _VALID_FOR

    async def close(self, chunk: Chunk) -> None:
        """Removes the chunk's worklist row. Announcements that are not delivered get a row for the sweep."""
        announce_at = None if chunk.outbox is None else self._announcing.paused_until
        await self._writers.open_work.finish(WorkItem.of_chunk(chunk, chunk.deadline), chunk, announce_at)

    async def close_lost(self, chunk: Chunk) -> None:
        """Removes the worklist row of a lost chunk that was reported. The sweep reports one that still has a row."""
        await self.close(chunk)
        await self._watch_if_open(chunk)

    async def _watch_if_open(self, ended: Chunk) -> None:
        """Adds the worklist row again if the chunk was queued for another copy meanwhile.

        A read that finds a file missing does that, and so do a corrected event and a replay.
        """
        current = await self._catalogue.chunk(ended.recording_key, ended.chunk_key)
        if current is not None and current.state in (ChunkState.PENDING, ChunkState.COPYING):
            due_at = self._clock.now() + self._settings.sweep_grace
            await self._writers.open_work.add(WorkItem.of_chunk(current, due_at))

    async def _delete(self, chunk: Chunk) -> SourceError | None:
        try:
            await self._source.delete(chunk.delete_location or "")
        except SourceError as error:
            return error
        return None

    async def _kept(self, chunk: Chunk, keep: Keep | None) -> Chunk | None:
        """Records why the source is kept, unless the row has the reason. Rows of an older version of the app lack it.

        None when another process wrote the row meanwhile.
        """
        if keep is None or chunk.reason == keep.failure.reason:
            return chunk
        try:
            chunk = await self._writers.chunks.replace(chunk.evolve(failure=keep.failure, next_attempt_at=None))
        except LeaseLost:
            return None
        self._endings.report_kept(chunk, keep)
        return chunk

    async def _is_safe(self, chunk: Chunk, holds: Callable[[Chunk, StoredFile], Awaitable[bool]]) -> bool:
        """Whether both files are in the archive, with the bytes that were recorded."""
        for name, size, sha256 in (
            (chunk.blob_name, chunk.size, chunk.sha256),
            (chunk.metadata_blob_name, chunk.metadata_size, chunk.metadata_sha256),
        ):
            if name is None or size is None or sha256 is None:
                return False
            if not await holds(chunk, StoredFile(name=name, size=size, sha256=sha256)):
                return False
        return True

    async def _start_over(self, chunk: Chunk) -> None:
        """Queues the chunk for another copy, because an archived file is missing or changed.

        The source usually exists. After a crash between its deletion and `released` it may not. The attempts then prove
        that the source is gone, and a chunk without media in the archive becomes lost.

        The row drops the fields of a missing file. It keeps the digest of a changed file, so that the next attempt
        doesn't accept that file as the chunk's.
        """
        log.critical("archived file differs from its record", extra={"action": "release", **chunk.log_context()})
        now = self._clock.now()
        files = await self._copier.archived.of(chunk)
        await self._writers.open_work.add(WorkItem.of_chunk(chunk, now + self._settings.sweep_grace))
        with contextlib.suppress(LeaseLost):
            await self._writers.chunks.replace(files.recorded_in(chunk.restarted(now)))

    async def _try_later(self, chunk: Chunk, error: SourceError) -> None:
        """Schedules another delete."""
        now = self._clock.now()
        tried = chunk.evolve(attempts=chunk.attempts + 1, failure=Failure.of(error))
        following = self._retries.after(tried, error, now)
        again = None if isinstance(following, ChunkState) else following
        # The row before the message, unlike a retry of a copy: no lease keeps a second job out here, and only the job
        # whose write succeeds may send a message. After a crash in between, the sweep queues the chunk by its row on
        # the worklist.
        try:
            tried = await self._writers.chunks.replace(tried.evolve(next_attempt_at=again))
        except LeaseLost:
            return
        log.warning("source not deleted", extra={"action": "release", "reason": error.reason, **tried.log_context()})
        if again is None:
            return
        if is_soon(again, now):
            await self._jobs.send(ChunkJob.of(tried), delay=(again - now).total_seconds())
        else:
            await self._writers.open_work.add(WorkItem.of_chunk(tried, again))
