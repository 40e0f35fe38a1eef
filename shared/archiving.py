"""One chunk's way from claim to release: the use case behind every job.

        claim ──> metadata ──> media ──> verify ──> archived ──> delete source ──> released
          1          2           3                     4              5               6

Each step is durable before the next begins, and a crash between two of them is safe. 1: a lease that nobody renews
runs out, and the chunk is claimed again. 2, 3: a file in the archive is found by the next attempt and not copied
again. 4: the next job finds `archived` and goes on to release. 5: deleting again what is gone already succeeds, and
writes 6. The source is deleted after 4 and never before; a worker that lost its lease fails at 4 and so never gets
to 5.
"""

import asyncio
import contextlib
import uuid
from datetime import timedelta

from shared import metrics, tracing
from shared.announcing import Announcing
from shared.clock import Clock
from shared.contracts.jobs import ChunkJob
from shared.copying import Copying
from shared.errors import CallvaultError, LeaseLost, SourceError, Unforeseen
from shared.gateways.bundle import Gateways
from shared.gateways.worklist import WorkItem
from shared.leases import Lease
from shared.logs import logger
from shared.records import Chunk
from shared.retry import RetryPolicy
from shared.settings import Settings
from shared.states import ChunkState

log = logger("archiving")

_SKEW = timedelta(seconds=5)  # between the clocks of two workers: what is due within it is due


class Archiving:
    """Takes a chunk as far as it can go."""

    def __init__(self, gateways: Gateways, announcing: Announcing, clock: Clock, settings: Settings) -> None:
        self._announcing = announcing
        self._catalogue, self._worklist, self._jobs = gateways.catalogue, gateways.worklist, gateways.jobs
        self._source, self._archive, self._tallies = gateways.source, gateways.archive, gateways.tallies
        self._clock, self._settings = clock, settings
        self._copying = Copying(gateways, settings)
        self._retries = RetryPolicy(base=settings.retry_base_seconds, max_attempts=settings.max_attempts)

    async def handle(self, job: ChunkJob) -> None:
        """Does what a job asks for; a job that comes again, too early, or for nothing, ends quietly.

        Raises DestinationError when the catalogue or the queue fails, so that the host brings the message again.
        """
        keys = {"callvault.recording.key": job.recordingKey, "callvault.chunk.key": job.chunkKey}
        with tracing.resumed("archive chunk", job.traceparent, keys):
            while True:
                chunk = await self._catalogue.chunk(job.recordingKey, job.chunkKey)
                if chunk is None:
                    log.warning("job for an unknown chunk", extra={"action": "job", **job.model_dump()})
                    return
                if self._is_spoken_for(chunk) or await self._advance(chunk, job):
                    return

    async def _advance(self, chunk: Chunk, job: ChunkJob) -> bool:
        """Takes a chunk on from its state; False when another was there in between: it is to be looked at anew."""
        match chunk.state:
            case ChunkState.PENDING | ChunkState.COPYING:
                with tracing.span("claim", tracing.keys(chunk)):
                    claimed = await self._claim(chunk)
                return claimed is not None and await self._attempt(claimed, job)
            case ChunkState.ARCHIVED if await self._may_release(chunk):
                with tracing.span("release", tracing.keys(chunk)):
                    await self._release(chunk, job)
            case ChunkState.ARCHIVED:
                return not await self._start_over(chunk)
            case ChunkState.RELEASED:
                await self._close(await self._announcing.settle(chunk))
            case ChunkState.FAILED | ChunkState.LOST | ChunkState.EXPIRED | ChunkState.REMOVED:
                log.info("job for an ended chunk", extra={"action": "job", **chunk.log_context()})
                await self._announcing.settle(chunk)
        return True

    def _is_spoken_for(self, chunk: Chunk) -> bool:
        """Whether a message of its own takes care of the chunk: its worker's, or the one for its next attempt.

        Should that message be lost, the sweep sends another.
        """
        now = self._clock.now()
        due = chunk.next_attempt_at
        return chunk.is_leased(now) or (due is not None and due > now + _SKEW)

    async def _claim(self, chunk: Chunk) -> Chunk | None:
        """The chunk, ours for one lease; None when another worker was faster, or when its attempts have run out.

        Those of a chunk that ends its worker each time are counted here, since nobody is left to count them later.
        """
        now = self._clock.now()
        try:
            if chunk.attempts >= self._settings.max_attempts:
                told = {"fault": "ours", "reason": "out-of-attempts", "detail": "no attempt came to an end of its own"}
                failed = chunk.move(ChunkState.FAILED, failed_at=now, owner=None, lease_until=None, **told)
                failed = await self._catalogue.replace(failed)
                metrics.chunk_ended(failed)
                self._tallies.note(failed)
                log.error("chunk failed", extra={"action": "claim", **failed.log_context()})
                await self._announcing.settle(failed)
                return None
            return await self._catalogue.replace(
                chunk.move(
                    ChunkState.COPYING,
                    owner=uuid.uuid4().hex,
                    lease_until=now + self._settings.lease,
                    attempts=chunk.attempts + 1,
                    copying_at=now,
                    next_attempt_at=None,
                )
            )
        except LeaseLost:
            return None

    async def _attempt(self, claimed: Chunk, job: ChunkJob) -> bool:
        """Copies and releases, or puts off. False when the lease was lost: the chunk is to be looked at anew."""
        lease = Lease(self._catalogue, self._clock, claimed, self._settings.lease)
        try:
            try:
                with tracing.span("copy", tracing.keys(claimed)):
                    metadata, media = await lease.keep_while(self._copying.secure(lease))
            except CallvaultError:
                raise
            except Exception:
                log.exception("attempt failed unforeseen", extra={"action": "archive", **claimed.log_context()})
                raise Unforeseen("the attempt failed for a reason that was not foreseen; the log has it") from None
            now = self._clock.now()
            archived = await lease.settle(
                ChunkState.ARCHIVED,
                archived_at=now,
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
            return False
        except CallvaultError as error:
            return await self._put_off(lease, error, job)
        metrics.chunk_safe(archived, now)
        self._tallies.note(archived)
        if not self._settings.delete_source:
            metrics.chunk_ended(archived)
        log.info("archived", extra={"action": "archive", "bytes": media.size, **archived.log_context()})
        with tracing.span("release", tracing.keys(archived)):
            await self._release(archived, job)
        return True

    async def _put_off(self, lease: Lease, error: CallvaultError, job: ChunkJob) -> bool:
        """Another attempt later, or the end. The message of a retry is on the queue before the state says so."""
        chunk, now = lease.chunk, self._clock.now()
        following = self._retries.after(chunk, error, now)
        told = {"fault": str(error.fault), "reason": error.reason, "detail": str(error)}
        context = {"action": "archive", "fault": told["fault"], "reason": error.reason, **chunk.log_context()}
        try:
            if isinstance(following, ChunkState):
                ended = await lease.settle(following, **told, **{f"{following}_at": now})
                metrics.chunk_ended(ended)
                self._tallies.note(ended)
                log.error("chunk ended", extra={**context, "end": str(following)})
                await self._announcing.settle(ended)
            else:
                await self._jobs.send(job, delay=(following - now).total_seconds())
                await lease.settle(ChunkState.PENDING, **told, next_attempt_at=following)
                metrics.attempt_failed(error)
                log.warning("attempt failed", extra={**context, "next_attempt_at": following.isoformat()})
        except LeaseLost:
            log.warning("lease lost", extra=context)
            return False
        return True

    async def _may_release(self, chunk: Chunk) -> bool:
        """Before a delete that no copy just preceded: both files still stand, with the bytes that were recorded."""
        if not self._settings.delete_source:
            return True
        for name, size, sha256 in (
            (chunk.blob_name, chunk.size, chunk.sha256),
            (chunk.metadata_blob_name, chunk.metadata_size, chunk.metadata_sha256),
        ):
            stored = await self._archive.find(name) if name else None
            if stored is None or (stored.size, stored.sha256) != (size, sha256):
                return False
        return True

    async def _start_over(self, chunk: Chunk) -> bool:
        """Someone took from the archive what was there before its source was deleted: that source is all there is.

        Past the deadline there is none; the chunk was archived, and its row goes on saying so.
        """
        log.critical("archived file is not what was recorded", extra={"action": "release", **chunk.log_context()})
        now = self._clock.now()
        if now >= chunk.deadline:
            return False
        with contextlib.suppress(LeaseLost):
            await self._catalogue.replace(chunk.fresh(now))
        return True

    async def _release(self, chunk: Chunk, job: ChunkJob) -> None:
        """Deletes the source of an archived chunk. A source that refuses is asked again; the chunk is safe anyhow.

        It is announced meanwhile: the delete doesn't wait for a topic, and one write notes the end of both.
        """
        if not self._settings.delete_source:
            await self._close(await self._announcing.settle(chunk))
            return
        chunk, refused = await asyncio.gather(self._announcing.deliver(chunk), self._delete(chunk))
        if refused is not None:
            await self._put_release_off(chunk, refused, job)
            return
        try:
            done = {"next_attempt_at": None, "fault": None, "reason": None, "detail": None}
            released = await self._catalogue.replace(
                chunk.move(ChunkState.RELEASED, released_at=self._clock.now(), **done)
            )
        except LeaseLost:
            return  # another job released it at the same moment, and says so
        await self._close(released)
        metrics.chunk_ended(released)
        log.info("released", extra={"action": "release", **released.log_context()})

    async def _delete(self, chunk: Chunk) -> SourceError | None:
        try:
            await self._source.delete(chunk.delete_location)
        except SourceError as error:
            return error
        return None

    async def _close(self, chunk: Chunk) -> None:
        """Nothing is left to do for a chunk, unless it is still to be announced: then the sweep finds it."""
        if chunk.outbox is None:
            await self._worklist.remove(WorkItem.of_chunk(chunk, chunk.deadline))

    async def _put_release_off(self, chunk: Chunk, error: SourceError, job: ChunkJob) -> None:
        """The state first: of two jobs at one chunk only the one whose write stands sends the message."""
        now = self._clock.now()
        tried = chunk.evolve(
            attempts=chunk.attempts + 1, fault=str(error.fault), reason=error.reason, detail=str(error)
        )
        following = self._retries.after(tried, error, now)
        again = None if isinstance(following, ChunkState) else following
        try:
            await self._catalogue.replace(tried.evolve(next_attempt_at=again))
        except LeaseLost:
            return
        log.warning("source not deleted", extra={"action": "release", "reason": error.reason, **tried.log_context()})
        if again is not None:
            await self._jobs.send(job, delay=(again - now).total_seconds())
