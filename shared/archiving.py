"""One chunk's way from claim to release: the use case behind every job.

        claim ──> metadata ──> media ──> verify ──> archived ──> delete source ──> released
          1          2           3                     4              5               6

Each step is durable before the next begins, and a crash between two of them is safe. 1: a lease that nobody renews
runs out, and the chunk is claimed again. 2, 3: a file in the archive is found by the next attempt and not copied
again. 4: the next job finds `archived` and goes on to release. 5: deleting again what is gone already succeeds, and
writes 6. The source is deleted after 4 and never before; a worker that lost its lease fails at 4 and so never gets
to 5.
"""

import contextlib
import logging
import uuid
from datetime import timedelta

from shared.clock import Clock
from shared.contracts.jobs import ChunkJob
from shared.copying import Copying
from shared.errors import CallvaultError, LeaseLost, SourceError
from shared.gateways.archive import Stored
from shared.gateways.bundle import Gateways
from shared.gateways.worklist import WorkItem
from shared.leases import Lease
from shared.records import Chunk
from shared.retry import RetryPolicy
from shared.settings import Settings
from shared.states import ChunkState

log = logging.getLogger("callvault.archiving")


class Archiving:
    """Takes a chunk as far as it can go."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._worklist, self._jobs = gateways.catalogue, gateways.worklist, gateways.jobs
        self._source, self._archive = gateways.source, gateways.archive
        self._clock, self._settings = clock, settings
        self._copying = Copying(gateways, settings)
        self._retries = RetryPolicy(base=settings.retry_base_seconds, max_attempts=settings.max_attempts)

    async def handle(self, job: ChunkJob) -> None:
        """Does what a job asks for; a job that comes again, or for nothing, ends quietly.

        Raises DestinationError when the catalogue or the queue fails, so that the host brings the message again.
        """
        while True:
            chunk = await self._catalogue.chunk(job.recordingKey, job.chunkKey)
            if chunk is None:
                log.warning("job for an unknown chunk", extra={"action": "job", **job.model_dump()})
                return
            match chunk.state:
                case ChunkState.PENDING | ChunkState.COPYING:
                    wait = self._wait(chunk)
                    if wait > timedelta():
                        await self._jobs.send(job, delay=wait.total_seconds())
                        return
                    claimed = await self._claim(chunk)
                    if claimed is not None:
                        await self._attempt(claimed, job)
                        return
                case ChunkState.ARCHIVED if await self._confirmed(chunk):
                    await self._release(chunk, job)
                    return
                case ChunkState.ARCHIVED:
                    await self._start_over(chunk)
                case ChunkState.RELEASED:
                    await self._worklist.remove(WorkItem.of_chunk(chunk, chunk.deadline))
                    return
                case ChunkState.FAILED | ChunkState.LOST:
                    log.info("job for an ended chunk", extra={"action": "job", **chunk.log_context()})
                    return

    def _wait(self, chunk: Chunk) -> timedelta:
        """How long the chunk is spoken for: by a live lease, or until its next attempt is due."""
        until = chunk.lease_until if chunk.state is ChunkState.COPYING else chunk.next_attempt_at
        return timedelta() if until is None else until - self._clock.now()

    async def _claim(self, chunk: Chunk) -> Chunk | None:
        """The chunk, ours for one lease; None when another worker was faster."""
        now = self._clock.now()
        claimed = chunk.move(
            ChunkState.COPYING,
            owner=uuid.uuid4().hex,
            lease_until=now + self._settings.lease,
            attempts=chunk.attempts + 1,
            copying_at=now,
            next_attempt_at=None,
        )
        try:
            return await self._catalogue.replace(claimed)
        except LeaseLost:
            return None

    async def _attempt(self, claimed: Chunk, job: ChunkJob) -> None:
        lease = Lease(self._catalogue, self._clock, claimed, self._settings.lease)
        try:
            metadata, media = await lease.keep_while(self._copying.secure(lease))
            archived = await lease.settle(
                ChunkState.ARCHIVED,
                archived_at=self._clock.now(),
                blob_name=media.name,
                size=media.size,
                sha256=media.sha256,
                metadata_blob_name=metadata.name,
                metadata_size=metadata.size,
                metadata_sha256=metadata.sha256,
                fault=None,
                reason=None,
                detail=None,
            )
        except LeaseLost:
            log.warning("lease lost", extra={"action": "archive", **claimed.log_context()})
        except CallvaultError as error:
            await self._put_off(lease, error, job)
        else:
            log.info("archived", extra={"action": "archive", "bytes": media.size, **archived.log_context()})
            await self._release(archived, job)

    async def _put_off(self, lease: Lease, error: CallvaultError, job: ChunkJob) -> None:
        """Another attempt later, or the end. The message of a retry is on the queue before the state says so."""
        chunk, now = lease.chunk, self._clock.now()
        following = self._retries.after(chunk, error, now)
        told = {"fault": str(error.fault), "reason": error.reason, "detail": str(error)}
        context = {"action": "archive", "fault": told["fault"], "reason": error.reason, **chunk.log_context()}
        try:
            if isinstance(following, ChunkState):
                await lease.settle(following, **told, **{f"{following}_at": now})
                log.error("chunk %s", following, extra=context)
            else:
                await self._jobs.send(job, delay=(following - now).total_seconds())
                await lease.settle(ChunkState.PENDING, **told, next_attempt_at=following)
                log.warning("attempt failed", extra={**context, "next_attempt_at": following.isoformat()})
        except LeaseLost:
            log.warning("lease lost", extra=context)

    async def _confirmed(self, chunk: Chunk) -> bool:
        """Before a delete that no copy just preceded: do both files still stand, with the bytes that were recorded?"""
        for name, size, sha256 in (
            (chunk.blob_name, chunk.size, chunk.sha256),
            (chunk.metadata_blob_name, chunk.metadata_size, chunk.metadata_sha256),
        ):
            stored = await self._archive.find(name) if name else None
            if not _is(stored, size, sha256):
                return False
        return True

    async def _start_over(self, chunk: Chunk) -> None:
        """Someone took from the archive what was there before its source was deleted: that source is all there is."""
        log.critical("archived file is gone from the archive", extra={"action": "release", **chunk.log_context()})
        with contextlib.suppress(LeaseLost):
            await self._catalogue.replace(chunk.fresh(self._clock.now()))

    async def _release(self, chunk: Chunk, job: ChunkJob) -> None:
        """Deletes the source of an archived chunk. A source that refuses is asked again; the chunk is safe anyhow."""
        if not self._settings.delete_source:
            await self._worklist.remove(WorkItem.of_chunk(chunk, chunk.deadline))
            return
        try:
            await self._source.delete(chunk.delete_location)
        except SourceError as error:
            await self._put_release_off(chunk, error, job)
            return
        try:
            released = await self._catalogue.replace(
                chunk.move(ChunkState.RELEASED, released_at=self._clock.now(), fault=None, reason=None, detail=None)
            )
        except LeaseLost:
            return  # another job released it at the same moment, and says so
        await self._worklist.remove(WorkItem.of_chunk(chunk, chunk.deadline))
        log.info("released", extra={"action": "release", **released.log_context()})

    async def _put_release_off(self, chunk: Chunk, error: SourceError, job: ChunkJob) -> None:
        now = self._clock.now()
        tried = chunk.evolve(
            attempts=chunk.attempts + 1, fault=str(error.fault), reason=error.reason, detail=str(error)
        )
        following = self._retries.after(tried, error, now)
        if not isinstance(following, ChunkState):
            await self._jobs.send(job, delay=(following - now).total_seconds())
        try:
            await self._catalogue.replace(tried)
        except LeaseLost:
            return  # another job is at it
        log.warning("source not deleted", extra={"action": "release", "reason": error.reason, **tried.log_context()})


def _is(stored: Stored | None, size: int | None, sha256: str | None) -> bool:
    """Immutable storage keeps the digest of a file that was taken up again from us; its size must do there."""
    return stored is not None and stored.size == size and stored.sha256 in (sha256, None)
