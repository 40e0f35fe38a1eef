"""Archives one chunk, from claim to release: the use case behind every job.

        claim ──> media ──> metadata ──> participants ──> archived ──> release (shared.archiving.release)
          1         2          3                             4             5

Each step is durable before the next begins, and a crash between two steps is safe. 1: the lease expires, and another
worker claims the chunk. 2, 3: the next attempt finds the files that are already in the archive and doesn't copy them
again. If an attempt fails, the write that ends it records the stored files in the chunk's row. 4: the next job finds
the state `archived` and continues with the release. The source is deleted only after step 4. A worker that lost its
lease fails at step 4 and never reaches step 5.
"""

from datetime import datetime, timedelta

from shared.announcing.announcer import Announcing
from shared.archiving.endings import Endings
from shared.archiving.files import AttemptResult, FileCopier
from shared.archiving.lease import Lease
from shared.archiving.release import Release, Step
from shared.archiving.retry import Attempt, RetryPolicy, check_due_at, count_gone, is_soon
from shared.archiving.stored_files import Files
from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.failure import Failure
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import CallvaultError, DestinationError, Fault, LeaseLost, Unforeseen, UnreadableRow
from shared.gateways.bundle import Gateways
from shared.observability import metrics, tracing
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("archiving")

_SKEW = timedelta(seconds=5)  # allowed difference between the clocks of two workers
_OUT_OF_ATTEMPTS = Failure(
    fault=Fault.OURS, reason="out-of-attempts", detail="each attempt stopped without a result because its worker died"
)
_RECHECK = timedelta(minutes=1)  # at least, until the next attempt if the archive or its lists failed before the end


class Archiving:
    """Runs the steps of a chunk's job until the chunk ends or has to wait."""

    def __init__(
        self, gateways: Gateways, copier: FileCopier, announcing: Announcing, clock: Clock, settings: Settings
    ) -> None:
        self._writers = Writers.over(gateways)
        self._announcing, self._copier, self._clock, self._settings = announcing, copier, clock, settings
        self._catalogue, self._jobs = gateways.catalogue, gateways.jobs
        self._release = Release(gateways, copier, announcing, clock, settings)
        self._endings = Endings(gateways, announcing, clock, settings)
        self._random_source = gateways.random_source
        self._retries = RetryPolicy(
            base=settings.retry_base_seconds, max_attempts=settings.max_attempts, random_source=gateways.random_source
        )

    async def handle(self, job: ChunkJob) -> None:
        """Processes one job. A repeated job, and a job for an ended or unknown chunk, changes nothing.

        Raises DestinationError when the catalogue or the queue fails, so that the host delivers the message again.
        """
        keys = {"callvault.recording.key": job.recordingKey, "callvault.chunk.key": job.chunkKey}
        with tracing.resumed("archive chunk", job.traceparent, keys):
            while True:
                try:
                    chunk = await self._catalogue.chunk(job.recordingKey, job.chunkKey)
                except UnreadableRow as error:  # the sweep reports the row until a version of the app can read it
                    extra = {"action": "job", "detail": str(error), **job.model_dump()}
                    log.error("row unreadable", extra=extra)  # noqa: TRY400 - `detail` has the reason
                    return
                if chunk is None:
                    log.warning("job ignored: chunk unknown", extra={"action": "job", **job.model_dump()})
                    return
                free_at = self._busy_until(chunk)
                if free_at is not None:
                    await self._defer(job, free_at)
                    return
                if await self._advance(chunk) is Step.DONE:
                    return

    async def _advance(self, chunk: Chunk) -> Step:
        """Takes the next step for the chunk's current state."""
        match chunk.state:
            case ChunkState.COPYING if chunk.attempts >= self._settings.max_attempts:
                return await self._run_out(chunk)
            case ChunkState.PENDING | ChunkState.COPYING:
                with tracing.span("claim", tracing.keys(chunk)):
                    claimed = await self._claim(chunk)
                if claimed is None:
                    return Step.READ_AGAIN
                is_last = self._retries.is_last(claimed, self._clock.now())
                return await self._attempt(claimed, Attempt(is_first=chunk.copying_at is None, is_last=is_last))
            case ChunkState.ARCHIVED:
                with tracing.span("release", tracing.keys(chunk)):
                    return await self._release.release(chunk)
            case ChunkState.RELEASED:
                await self._release.close(await self._announcing.announce(chunk))
            case ChunkState.FAILED | ChunkState.LOST | ChunkState.EXPIRED | ChunkState.REMOVED:
                log.info("job ignored: chunk already ended", extra={"action": "job", **chunk.log_context()})
                await self._announcing.announce(chunk)
        return Step.DONE

    def _busy_until(self, chunk: Chunk) -> datetime | None:
        """When the lease of another worker ends, or the next attempt is due. None if the chunk needs no wait."""
        now = self._clock.now()
        if chunk.is_leased(now):
            return chunk.lease_until
        due_at = chunk.next_attempt_at
        return due_at if due_at is not None and due_at > now + _SKEW else None

    async def _defer(self, job: ChunkJob, free_at: datetime) -> None:
        """Sends a job that came too early once more, with a delay. The sweep queues a chunk that must wait longer.

        A job is too early when this worker's clock is slow, or when the host repeats the job of a worker that died. A
        job that is too early a second time is dropped: the chunk has another message by then, or the sweep queues it.
        """
        now = self._clock.now()
        if not job.deferred and is_soon(free_at, now):
            await self._jobs.send(job.again(), delay=(free_at - now).total_seconds() + 1)

    async def _claim(self, chunk: Chunk) -> Chunk | None:
        """Claims the chunk for one lease. None when another worker claimed it first."""
        now = self._clock.now()
        claimed = chunk.move(
            ChunkState.COPYING,
            owner=self._random_source.new_id().hex,
            lease_until=now + self._settings.lease,
            attempts=chunk.attempts + 1,
            copying_at=now,
            next_attempt_at=None,
        )
        try:
            return await self._writers.chunks.replace(claimed)
        except LeaseLost:
            return None

    async def _run_out(self, chunk: Chunk) -> Step:
        """Ends a chunk whose last attempt never reported a result, because its worker died."""
        files = await self._copier.found(chunk)
        write = self._writers.chunks.replace
        try:
            if files.are_complete(chunk):
                chunk = await self._endings.archive(chunk, files, write)
                return await self._release.release(chunk, checked_at=files.checked_at)
            await self._endings.give_up(chunk, ChunkState.FAILED, _OUT_OF_ATTEMPTS, files, write)
        except LeaseLost:
            return Step.READ_AGAIN
        return Step.DONE

    async def _attempt(self, claimed: Chunk, which: Attempt) -> Step:
        """Copies and releases the chunk, or schedules a retry."""
        lease = Lease(self._catalogue, self._writers.chunks.replace, self._clock, claimed, self._settings.lease)
        try:
            attempted = await self._copy(lease, which)
            files = attempted.files if attempted.error is None else None
            if files is None:
                files = await self._fail(lease, attempted)
            if files is None:
                return Step.DONE
            archived = await self._endings.archive(attempted.located(lease.chunk), files, lease.end)
        except LeaseLost:
            log.warning("lease lost", extra={"action": "archive", **lease.chunk.log_context()})
            return Step.READ_AGAIN
        with tracing.span("release", tracing.keys(archived)):
            return await self._release.release(archived, checked_at=files.checked_at)

    async def _copy(self, lease: Lease, which: Attempt) -> AttemptResult:
        """Copies the files and returns any error in the result. Raises only LeaseLost."""
        chunk = lease.chunk
        try:
            with tracing.span("copy", tracing.keys(chunk)) as span:
                attempted = await lease.keep_while(self._copier.attempt(lease, which=which))
                if attempted.error is not None:
                    tracing.fail(span, attempted.error.reason)
                return attempted
        except LeaseLost:
            raise
        except CallvaultError as error:
            return AttemptResult(files=None, error=error)
        except Exception:
            log.exception("attempt failed unexpectedly", extra={"action": "archive", **chunk.log_context()})
            return AttemptResult(files=None, error=_unforeseen())

    async def _fail(self, lease: Lease, attempted: AttemptResult) -> Files | None:
        """Schedules a retry or ends the chunk. Returns the chunk's files if the archive already holds all of them."""
        error, files = attempted.error or _unforeseen(), attempted.files
        chunk, now = attempted.located(lease.chunk), self._clock.now()
        following = self._retries.after(count_gone(chunk, error, now), error, now)
        if isinstance(following, ChunkState):
            try:
                files = await lease.keep_while(self._copier.found(chunk))
            except DestinationError:
                # A chunk must not end before the archive is checked.
                following = now + max(_RECHECK, self._retries.pause(chunk.attempts))
            else:
                if files.are_complete(chunk):
                    return files
        failure, tried = Failure.of(error), count_gone(attempted.located(lease.chunk), error, now)
        if isinstance(following, ChunkState):
            ended = await self._endings.give_up(tried, following, failure, files, lease.end)
            if ended.state is ChunkState.LOST:
                await self._release.close_lost(ended)
            return None
        soon = is_soon(following, now)
        if soon:
            # The message before the row: after a crash in between, the lease expires and the message is there. The
            # lease keeps other jobs out meanwhile, so no second one sends a message.
            await self._jobs.send(ChunkJob.of(chunk), delay=(following - now).total_seconds())
        tried = files.recorded_in(tried) if files else tried
        waiting = await lease.end(tried.move(ChunkState.PENDING, failure=failure, next_attempt_at=following))
        if not soon:
            await self._writers.open_work.add(WorkItem.of_chunk(waiting, check_due_at(waiting, following, now)))
        metrics.attempt_failed(error)
        context = {"action": "archive", "fault": failure.fault, "reason": failure.reason, **chunk.log_context()}
        log.warning("attempt failed", extra={**context, "next_attempt_at": following.isoformat()})
        return None


def _unforeseen() -> Unforeseen:
    return Unforeseen("the attempt failed unexpectedly; see the log")
