"""The sweep's check of one open chunk: it queues the chunk again, reports it, retries it or ends it.

A chunk whose job was lost is queued again, at growing intervals, but not while the queue has a backlog. A failed chunk
is retried as long as its source may exist. A chunk that nears its deadline is reported with a rising log level. The
deadline is an estimate, so attempts continue after it until the source can't exist any longer. Before a chunk becomes
lost or failed, the archive is checked for its files.

Each check writes the catalogue first, sends the job second, and sets the next check in the worklist row last. After a
crash the row is still due, and the next run repeats the check. The sweep never writes a chunk that a worker has leased.
"""

import logging
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.announcing.announcer import Announcing, Delivery
from shared.archiving.endings import Endings
from shared.archiving.files import FileCopier
from shared.archiving.retry import REPORT_HOURS, check_due_at, is_soon
from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.failure import Failure
from shared.domain.records import Chunk
from shared.domain.states import MISSING, ChunkState, GivenUp
from shared.domain.work_item import WorkItem
from shared.errors import DestinationConflict, Fault, SourceNotAllowed
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.recovery.backlog import Backlog
from shared.settings.settings import Settings

log = logger("chunkwatch")

_LOG_LEVELS = dict(zip(REPORT_HOURS, (logging.WARNING, logging.ERROR, logging.CRITICAL), strict=True))
# A rescue is the sweep's retry of a failed chunk.
_FIRST_RESCUE = timedelta(minutes=15)  # from a failure to the first rescue; doubles with each rescue
_LONGEST_RESCUE = timedelta(hours=4)
_LATE_RESCUE = timedelta(minutes=30)  # the longest interval between rescues after the deadline
_FOR_A_PERSON = (SourceNotAllowed.reason, DestinationConflict.reason)  # retried no more often after the deadline
_LONGEST_REQUEUE = timedelta(minutes=30)  # the longest interval between two messages for a chunk without attempts
_DOUBLINGS = 10  # the most doublings of an interval; more would exceed every limit above
_LEASE_OVER = timedelta(seconds=5)  # wait after a lease's end: allowed difference between two clocks
_TOLERANCE = timedelta(seconds=1)  # the table and the clock round times differently
_EXPIRED = Failure(
    fault=Fault.OURS, reason="source-expired", detail="its source can't exist any longer, and no attempt archived it"
)
_UNTRIED_FOR = timedelta(hours=24)  # extra time for a chunk that was queued again and has had no attempt since


class Announced(Enum):
    """The result of the sweep's check of waiting announcements."""

    CHECKED = auto()
    TOPIC_PAUSED = auto()  # nothing was sent and nothing changed: the topic is paused after a failure


class ChunkCheck:
    """Checks chunks that are open without progress, and chunks with announcements that were not delivered."""

    def __init__(
        self, gateways: Gateways, copier: FileCopier, announcing: Announcing, clock: Clock, settings: Settings
    ) -> None:
        self._writers = Writers.over(gateways)
        self._announcing, self._copier = announcing, copier
        self._catalogue, self._jobs = gateways.catalogue, gateways.jobs
        self._endings = Endings(gateways, announcing, clock, settings)
        self._clock, self._settings = clock, settings

    @property
    def topic_paused_until(self) -> datetime:
        """When announcements to the topic may be tried again."""
        return self._announcing.paused_until

    async def announce(self, item: WorkItem) -> Announced:
        """Sends waiting announcements again, unless the topic is paused."""
        if self._announcing.is_paused:
            return Announced.TOPIC_PAUSED
        chunk = await self._catalogue.chunk(item.recording_key, item.chunk_key or "")
        now = self._clock.now()
        if chunk is None:
            await self._writers.open_work.remove(item)
            return Announced.CHECKED
        if chunk.state in (ChunkState.PENDING, ChunkState.COPYING):
            # The chunk was queued again meanwhile: its own row covers its announcements.
            await self._writers.open_work.add(WorkItem.of_chunk(chunk, now + self._settings.sweep_grace))
            await self._writers.open_work.remove(item)
            return Announced.CHECKED
        offer = await self._announcing.attempt_delivery(chunk)
        if not offer.tried:
            return Announced.TOPIC_PAUSED
        if offer.due_at is None:
            await self._writers.open_work.remove(item)
        else:
            await self._writers.open_work.postpone(item, offer.due_at)
        return Announced.CHECKED

    async def check(self, item: WorkItem, backlog: Backlog) -> None:
        """Checks a chunk. Raises LeaseLost if another process wrote it meanwhile, DestinationError if storage fails."""
        chunk = await self._catalogue.chunk(item.recording_key, item.chunk_key or "")
        now = self._clock.now()
        if chunk is None:
            await self._writers.open_work.remove(item)
            return
        if chunk.is_leased(now):
            await self._schedule(item, chunk, (chunk.lease_until or now) + _LEASE_OVER)
            return
        offer = await self._announcing.attempt_delivery(chunk)
        chunk = offer.chunk
        if self._is_done(chunk, now):
            if chunk.state is ChunkState.LOST:
                # Its row is removed after the report, so the process that ended it may have died before the report.
                self._endings.report_given_up(chunk)
            await self._writers.open_work.finish(item, chunk, offer.due_at)
        elif chunk.state is not ChunkState.ARCHIVED and self._is_given_up(chunk, now):
            await self._end(item, chunk)
        elif chunk.state is ChunkState.FAILED:
            await self._retry_failed(item, await self._escalated(chunk, now), offer, now)
        else:
            await self._queue_again_if_due(item, await self._escalated(chunk, now), backlog, now)

    def _is_done(self, chunk: Chunk, now: datetime) -> bool:
        if chunk.state is ChunkState.ARCHIVED:
            return not self._settings.delete_source or now >= chunk.given_up_at
        return chunk.state in (ChunkState.RELEASED, ChunkState.LOST, *MISSING)

    def _is_given_up(self, chunk: Chunk, now: datetime) -> bool:
        """Whether the source can't exist any longer. A chunk that was queued again gets 24 hours for an attempt."""
        tried = chunk.state is ChunkState.FAILED or (
            chunk.copying_at is not None and chunk.copying_at >= chunk.pending_at
        )
        return now >= chunk.given_up_at + (timedelta() if tried else _UNTRIED_FOR)

    async def _end(self, item: WorkItem, chunk: Chunk) -> None:
        """Sets the end state: archived if the archive holds all files, lost if it holds no media, failed otherwise."""
        files = await self._copier.found(chunk)
        if files.are_complete(chunk):
            await self._send(item, await self._endings.archive(chunk, files, self._writers.chunks.replace))
            return
        end: GivenUp = ChunkState.LOST if files.media is None else ChunkState.FAILED
        if chunk.state is end:
            self._endings.report_given_up(chunk)
        else:
            chunk = await self._endings.give_up(
                chunk, end, chunk.failure or _EXPIRED, files, self._writers.chunks.replace
            )
        await self._writers.open_work.finish(item, chunk, self._announcing.paused_until if chunk.outbox else None)

    async def _retry_failed(self, item: WorkItem, chunk: Chunk, offer: Delivery, now: datetime) -> None:
        longest = _LONGEST_RESCUE if now < chunk.deadline or chunk.reason in _FOR_A_PERSON else _LATE_RESCUE
        rescue_at = (chunk.failed_at or now) + min(_FIRST_RESCUE * (1 << min(chunk.rescues, _DOUBLINGS)), longest)
        if now < rescue_at:
            await self._schedule(item, chunk, min(filter(None, (rescue_at, offer.due_at))))
            return
        pending = chunk.restarted(now).evolve(rescues=chunk.rescues + 1, reported_failure=chunk.reported_failure)
        if now >= chunk.deadline:
            # With a new `pending_at` the chunk would count as untried, and `_is_given_up` would wait 24 more hours.
            pending = pending.evolve(pending_at=chunk.pending_at)
        pending = await self._writers.chunks.replace(pending)
        log.warning("failed chunk retried", extra={"action": "retry", **pending.log_context()})
        await self._send(item, pending)

    async def _queue_again_if_due(self, item: WorkItem, chunk: Chunk, backlog: Backlog, now: datetime) -> None:
        due = chunk.next_attempt_at
        if due is not None:
            # A distant retry has no queue message: its worklist row is due at the time of the attempt.
            has_no_message = abs(item.due_at - due) < _TOLERANCE
            check_at = due + self._settings.sweep_grace if not has_no_message and is_soon(due, now) else due
            if now < check_at:
                await self._schedule(item, chunk, check_at)
                return
            if has_no_message:
                await self._send(item, chunk)
                return
        sent_at = max(filter(None, (item.queued_at, chunk.pending_at, chunk.copying_at, due)))
        was_claimed = item.queued_at is not None and chunk.copying_at is not None and chunk.copying_at > item.queued_at
        requeues = 0 if was_claimed else item.requeues
        if await backlog.may_contain(sent_at):
            at = now + self._pause(requeues + 1)
            await self._schedule(item, chunk, at, queued_at=sent_at, requeues=requeues + 1)
        else:
            await self._send(item, chunk, requeues=requeues + 1)

    async def _send(self, item: WorkItem, chunk: Chunk, *, requeues: int = 0) -> None:
        chunk = await self._writers.chunks.without_trouble(chunk)
        await self._jobs.send(ChunkJob.of(chunk))
        log.info("chunk queued again", extra={"action": "requeue", **chunk.log_context()})
        now = self._clock.now()
        await self._schedule(item, chunk, now + self._pause(requeues), queued_at=now, requeues=requeues)

    def _pause(self, requeues: int) -> timedelta:
        """The interval until the next check. It doubles with each message that no worker picked up."""
        grace = self._settings.sweep_grace
        return max(grace, min(grace * (1 << min(requeues, _DOUBLINGS)), _LONGEST_REQUEUE))

    async def _escalated(self, chunk: Chunk, now: datetime) -> Chunk:
        """Reports a chunk that isn't archived each time it passes another threshold before its deadline."""
        if chunk.state is ChunkState.ARCHIVED:
            return chunk
        left = chunk.deadline - now
        passed = min((hours for hours in (*REPORT_HOURS, 0) if left <= timedelta(hours=hours)), default=None)
        if passed is None or (chunk.escalated is not None and chunk.escalated <= passed):
            return chunk
        raised = await self._writers.chunks.replace(chunk.evolve(escalated=passed))
        metrics.chunks_escalated.add(1, {"hours": passed})
        context = {"hours_left": round(left.total_seconds() / 3600, 2), "threshold": passed, **raised.log_context()}
        if passed == 0:
            log.critical("chunk past its deadline", extra={"action": "deadline-passed", **context})
        else:
            log.log(_LOG_LEVELS[passed], "chunk close to its deadline", extra={"action": "escalate", **context})
        return raised

    async def _schedule(
        self, item: WorkItem, chunk: Chunk, at: datetime, *, queued_at: datetime | None = None, requeues: int = 0
    ) -> None:
        """Schedules the next check: at `at`, or earlier at a reporting threshold, the deadline or the last attempt."""
        following = check_due_at(chunk, at, self._clock.now())
        row = WorkItem.of_chunk(chunk, following, queued_at=queued_at, requeues=requeues)
        await self._writers.open_work.add(row)
        if item.row != row.row:  # the old row has an older format or another deadline
            await self._writers.open_work.remove(item)
