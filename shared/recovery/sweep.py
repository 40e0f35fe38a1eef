"""The sweep: checks the due rows of the worklist every minute.

A failure of one row doesn't stop the check of the others: it is logged with its reason, and the row is checked again
some minutes later, so that a run reaches the rows behind it. Each run checks a bounded number of rows of each kind,
those with the oldest deadline first. It keeps only a few rows in memory at a time.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.bookkeeping.writers import Writers
from shared.domain.clock import Clock
from shared.domain.work_item import Kind, WorkItem
from shared.errors import CallvaultError, DestinationError, LeaseLost, UnreadableRow
from shared.gateways.bundle import Gateways
from shared.gateways.tables.worklist import Worklist
from shared.intake.awaited_files import AwaitedFiles
from shared.observability import metrics
from shared.observability.logs import logger
from shared.recording.automatic import AutoRecording
from shared.recovery.backlog import Backlog
from shared.recovery.chunk_check import Announced, ChunkCheck
from shared.settings.settings import Settings

log = logger("sweep")

_AT_ONCE = 16  # rows checked concurrently
_MOST = 2000  # rows of each kind in one run; the others stay due for the next run
_UNREADABLE_AGAIN = timedelta(minutes=30)  # until a row that can't be read is checked and reported again
_FAILED_AGAIN = timedelta(minutes=5)  # until a row is checked again whose check failed for any other reason
_LONGEST_WAIT = 10.0  # seconds that a run waits, each time, for a paused topic
_OFFERS = 3  # times that a run tries announcements that it skipped while the topic was paused


@dataclass(kw_only=True)
class _Run:
    """The counts of one run of the sweep."""

    backlog: Backlog
    due: int = 0
    failed: int = 0
    unreadable: int = 0
    untried: list[WorkItem] = field(default_factory=list)

    def counts(self) -> dict[str, object]:
        troubles = {"failed": self.failed, "unreadable": self.unreadable, "left": len(self.untried)}
        return {"action": "sweep", "due": self.due, **{name: number for name, number in troubles.items() if number}}


class _Due:
    """Yields the due rows one by one, a bounded number of each kind."""

    def __init__(self, worklist: Worklist, now: datetime) -> None:
        self._worklist, self._now, self._turn = worklist, now, asyncio.Lock()
        self._rows = worklist.due(now)
        self._taken: Counter[Kind | None] = Counter()
        self.failure: DestinationError | None = None

    async def take(self) -> WorkItem | None:
        """The next row, or None after the last one. If reading failed, `failure` has the error."""
        async with self._turn:
            if self.failure is not None:
                return None
            try:
                item = await anext(self._rows, None)
                while item is not None and item.kind is not None and self._taken[item.kind] >= _MOST:
                    await self._rows.aclose()
                    self._rows = self._worklist.due(self._now, after=item.kind.end)
                    item = await anext(self._rows, None)
            except DestinationError as error:
                self.failure = error
                return None
            if item is not None:
                self._taken[item.kind] += 1
            return item


class Sweep:
    """Checks open chunks, recordings, calls and announcements that make no progress."""

    def __init__(
        self, gateways: Gateways, chunks: ChunkCheck, auto: AutoRecording, clock: Clock, settings: Settings
    ) -> None:
        self._writers = Writers.over(gateways)
        self._worklist, self._jobs = gateways.worklist, gateways.jobs
        self._chunks, self._files, self._auto = chunks, AwaitedFiles(gateways, clock, settings), auto
        self._clock, self._settings = clock, settings

    async def run(self) -> int:
        """Checks the due rows and returns their number. Raises DestinationError if not all could be read."""
        run = _Run(backlog=Backlog(self._jobs))
        await self._report_poison()
        due = _Due(self._worklist, self._clock.now())
        await self._work(run, due.take)
        await self._offer_again(run)
        if due.failure is not None:
            raise due.failure
        if metrics.open_chunks.wanted:
            await self._count_open()
        log.info("sweep finished", extra=run.counts())  # in every complete run: an alert fires if no run logs it
        return run.due

    async def _work(self, run: _Run, take: Callable[[], Awaitable[WorkItem | None]]) -> None:
        async def work(item: WorkItem | None) -> None:
            while item is not None:
                run.due += 1
                await self._guarded(item, run)
                item = await take()

        first: list[WorkItem] = []
        while len(first) < _AT_ONCE and (item := await take()) is not None:
            first.append(item)
        await asyncio.gather(*map(work, first))

    async def _offer_again(self, run: _Run) -> None:
        """Sends the announcements that were skipped while the topic was paused, once the pause ends."""
        for _ in range(_OFFERS):
            pause = (self._chunks.topic_paused_until - self._clock.now()).total_seconds()
            if not run.untried or pause > _LONGEST_WAIT:
                return
            await self._clock.sleep(max(pause, 0))
            waiting, run.untried = run.untried, []
            run.due -= len(waiting)  # these rows were counted already

            async def take(rows: list[WorkItem] = waiting) -> WorkItem | None:
                return rows.pop(0) if rows else None

            await self._work(run, take)

    async def _guarded(self, item: WorkItem, run: _Run) -> None:
        try:
            await self._check(item, run)
        except LeaseLost:
            log.info("chunk changed during its check", extra={"action": "sweep", **_keys(item)})
        except UnreadableRow as error:
            run.unreadable += 1
            log.error("row unreadable", extra={"action": "sweep", "detail": str(error), **_keys(item)})  # noqa: TRY400 - the detail is enough
            await self._postpone(item, _UNREADABLE_AGAIN)
        except CallvaultError as error:
            run.failed += 1
            log.warning("check failed", extra={"action": "sweep", "reason": error.reason, **_keys(item)})
            await self._postpone(item, _FAILED_AGAIN)
        except Exception:
            run.failed += 1
            log.exception("check failed unexpectedly", extra={"action": "sweep", "reason": "unforeseen", **_keys(item)})
            await self._postpone(item, _FAILED_AGAIN)

    async def _check(self, item: WorkItem, run: _Run) -> None:
        if item.flaw is not None:
            raise UnreadableRow(f"row {item.row} of the worklist {item.flaw}")
        match item.kind:
            case Kind.CALL:
                await self._auto.check(item)
            case Kind.RECORDING | Kind.FILES:
                await self._files.check(item)
            case Kind.ANNOUNCEMENTS:
                if await self._chunks.announce(item) is Announced.TOPIC_PAUSED:
                    run.untried.append(item)
            case _:
                await self._chunks.check(item, run.backlog)

    async def _postpone(self, item: WorkItem, by: timedelta) -> None:
        """Postpones a row that keeps failing, so that it doesn't take the place of other rows in each run."""
        try:
            await self._writers.open_work.postpone(item, self._clock.now() + by)
        except DestinationError as error:
            log.warning("check failed", extra={"action": "sweep", "reason": error.reason, **_keys(item)})

    async def _report_poison(self) -> None:
        try:
            messages = await self._jobs.poisoned()
        except DestinationError as error:
            log.warning("poison queue can't be counted", extra={"action": "sweep", "reason": error.reason})
            return
        if messages:
            log.error("poison messages waiting", extra={"action": "sweep", "messages": messages})

    async def _count_open(self) -> None:
        now, kept = self._clock.now(), self._settings.retention
        metrics.open_chunks.tell([now - deadline + kept async for deadline in self._worklist.deadlines()])


def _keys(item: WorkItem) -> dict[str, object]:
    return {"recording_key": item.recording_key, "chunk_key": item.chunk_key}
