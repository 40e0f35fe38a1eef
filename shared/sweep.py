"""The sweep: looks every minute at those rows of the worklist that are due.

Nothing that is wrong with one row keeps the others from being looked at: what fails is reported with its reason, and
the row is looked at again some minutes later, so that rows behind it get their turn. Each run looks at a bounded number
of rows of each kind, those with the oldest deadline first, and holds few of them at once, however much is due.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared import metrics
from shared.autorecording import AutoRecording
from shared.backlog import Backlog
from shared.chunkwatch import ChunkWatch
from shared.clock import Clock
from shared.errors import CallvaultError, DestinationError, LeaseLost, UnreadableRow
from shared.filewatch import FileWatch
from shared.gateways.bundle import Gateways
from shared.gateways.workitems import Kind, WorkItem
from shared.gateways.worklist import Worklist
from shared.logs import logger
from shared.settings import Settings

log = logger("sweep")

_AT_ONCE = 16  # rows looked at together
_MOST = 2000  # rows of each kind in one run; the others are due still in the next
_UNREADABLE_AGAIN = timedelta(minutes=30)  # until a row that can't be read is reported again
_FAILED_AGAIN = timedelta(minutes=5)  # until a row is looked at again whose look failed for any other reason
_LONGEST_WAIT = 10.0  # seconds that a run waits for a topic that rests, each time
_OFFERS = 3  # how often a run offers news that weren't tried because the topic rested


@dataclass(kw_only=True)
class _Run:
    """What one run of the sweep has met."""

    backlog: Backlog
    due: int = 0
    failed: int = 0
    unreadable: int = 0
    untried: list[WorkItem] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        troubles = {"failed": self.failed, "unreadable": self.unreadable, "left": len(self.untried)}
        return {"action": "sweep", "due": self.due, **{name: number for name, number in troubles.items() if number}}


class _Due:
    """The rows that are due, handed out one by one: of each kind a bounded number."""

    def __init__(self, worklist: Worklist, now: datetime) -> None:
        self._worklist, self._now, self._turn = worklist, now, asyncio.Lock()
        self._rows = worklist.due(now)
        self._taken: Counter[Kind | None] = Counter()
        self.failure: DestinationError | None = None

    async def take(self) -> WorkItem | None:
        """None when there are no more; if they couldn't all be read, `failure` says why."""
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
    """Takes care of what is open and went quiet."""

    def __init__(
        self, gateways: Gateways, chunks: ChunkWatch, auto: AutoRecording, clock: Clock, settings: Settings
    ) -> None:
        self._worklist, self._jobs = gateways.worklist, gateways.jobs
        self._chunks, self._files, self._auto = chunks, FileWatch(gateways, clock, settings), auto
        self._clock, self._settings = clock, settings

    async def run(self) -> int:
        """Looks at every row that is due; gives their number. Raises DestinationError if not all could be read."""
        run = _Run(backlog=Backlog(self._jobs))
        try:
            await self._report_poison()
            due = _Due(self._worklist, self._clock.now())
            await self._work(run, due.take)
            await self._offer_again(run)
            if due.failure is not None:
                raise due.failure
            if metrics.open_chunks.wanted:
                await self._count_open()
        finally:
            log.info("swept", extra=run.told())  # each time: an alert rings when it is silent
        return run.due

    async def _work(self, run: _Run, take: Callable[[], Awaitable[WorkItem | None]]) -> None:
        async def work() -> None:
            while (item := await take()) is not None:
                run.due += 1
                await self._guarded(item, run)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))

    async def _offer_again(self, run: _Run) -> None:
        """News that weren't tried because the topic rested are due as soon as its rest ends."""
        for _ in range(_OFFERS):
            pause = (self._chunks.rest_ends - self._clock.now()).total_seconds()
            if not run.untried or pause > _LONGEST_WAIT:
                return
            await self._clock.sleep(max(pause, 0))
            waiting, run.untried = run.untried, []
            run.due -= len(waiting)  # they were counted

            async def take(rows: list[WorkItem] = waiting) -> WorkItem | None:
                return rows.pop(0) if rows else None

            await self._work(run, take)

    async def _guarded(self, item: WorkItem, run: _Run) -> None:
        try:
            await self._look_at(item, run)
        except LeaseLost:
            log.info("a chunk moved on while it was looked at", extra={"action": "sweep", **_keys(item)})
        except UnreadableRow as error:
            run.unreadable += 1
            log.error("row unreadable", extra={"action": "sweep", "detail": str(error), **_keys(item)})  # noqa: TRY400 - the detail says it all
            await self._postpone(item, _UNREADABLE_AGAIN)
        except CallvaultError as error:
            run.failed += 1
            log.warning("not swept", extra={"action": "sweep", "reason": error.reason, **_keys(item)})
            await self._postpone(item, _FAILED_AGAIN)
        except Exception:
            run.failed += 1
            log.exception("not swept unforeseen", extra={"action": "sweep", "reason": "unforeseen", **_keys(item)})
            await self._postpone(item, _FAILED_AGAIN)

    async def _look_at(self, item: WorkItem, run: _Run) -> None:
        if item.flaw is not None:
            raise UnreadableRow(f"row {item.row} of the worklist {item.flaw}")
        match item.kind:
            case Kind.CALL:
                await self._auto.take_up(item)
            case Kind.RECORDING | Kind.FILES:
                await self._files.look_at(item)
            case Kind.NEWS:
                if not await self._chunks.announce(item):
                    run.untried.append(item)
            case _:
                await self._chunks.look_at(item, run.backlog)

    async def _postpone(self, item: WorkItem, by: timedelta) -> None:
        """So that what fails each time takes no other row's place in every run."""
        try:
            await self._worklist.postpone(item, self._clock.now() + by)
        except DestinationError as error:
            log.warning("not swept", extra={"action": "sweep", "reason": error.reason, **_keys(item)})

    async def _report_poison(self) -> None:
        try:
            messages = await self._jobs.poisoned()
        except DestinationError as error:
            log.warning("poison queue not counted", extra={"action": "sweep", "reason": error.reason})
            return
        if messages:
            log.error("messages stay on the poison queue", extra={"action": "sweep", "messages": messages})

    async def _count_open(self) -> None:
        now, kept = self._clock.now(), self._settings.retention
        metrics.open_chunks.tell([now - deadline + kept async for deadline in self._worklist.deadlines()])


def _keys(item: WorkItem) -> dict[str, object]:
    return {"recording_key": item.recording_key, "chunk_key": item.chunk_key}
