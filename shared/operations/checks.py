"""Checks of a running deployment: health reports them to monitors, the doctor to people.

Reads the nearest deadlines of the worklist's sixteen shards and a few chunks, and sends one request each to both
queues, the archive and ACS, all concurrently: the cost doesn't grow with the archive. A chunk on the worklist is looked
up in the catalogue before it counts, because a safe chunk may stay there until its source is deleted. A row that this
version can't read is named, and hides no other.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.domain.states import ONCE_SAFE, ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import CallvaultError, UnreadableRow
from shared.gateways.bundle import Gateways
from shared.settings.settings import Settings

_PATIENCE = 10.0  # seconds for each check; a monitor waits thirty
_NEAR = timedelta(hours=4)  # before a deadline: when the sweep begins to report it as an error
_NEAR_SHARE = 6  # and at most this part of a retention
_AT_ONCE = 16  # chunks looked up concurrently; usually the first one is open
_NAMED = 3  # rows that can't be read, in a check's detail
_SWEEP_SILENT = timedelta(minutes=10)  # how long a row may be due; the sweep runs every minute


class Unanswered(CallvaultError):
    """Nothing answered in time."""

    reason = "timeout"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was checked. `reason` is stable, `detail` a sentence with the fix; None if all is well."""

    name: str
    reason: str | None = None
    detail: str | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """All checks, and the open chunk with the least time left, if there is one."""

    checks: tuple[Check, ...]
    oldest: Chunk | None


@dataclass(frozen=True, kw_only=True)
class _Nearest:
    """The open chunk with the least time left, and the unreadable rows, among the worklist's first rows."""

    oldest: Chunk | None = None
    unreadable: tuple[str, ...] = ()


async def tried[T](work: Awaitable[T], *, seconds: float) -> T | CallvaultError:
    """What `work` gives, or the error that it raises; Unanswered if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except CallvaultError as error:
        return error
    except TimeoutError:
        return Unanswered(f"no answer within {seconds:.0f} s")


class Checks:
    """Checks whether storage and ACS can be reached, and whether open work is taken care of."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._worklist, self._catalogue, self._jobs = gateways.worklist, gateways.catalogue, gateways.jobs
        self._archived, self._recorder = gateways.archived, gateways.recorder
        self._clock = clock
        self._near = min(_NEAR, settings.retention / _NEAR_SHARE)

    async def run(self) -> Checked:
        """Raises nothing: what can't be reached is a failed check."""
        worklist, queue, poison, archive, acs = await asyncio.gather(
            tried(self._worklist.nearest(), seconds=_PATIENCE),
            tried(self._jobs.check(), seconds=_PATIENCE),
            tried(self._jobs.poisoned(), seconds=_PATIENCE),
            tried(self._archived.check(), seconds=_PATIENCE),
            tried(self._recorder.check(), seconds=_PATIENCE),
        )
        now = self._clock.now()
        rows, is_all = ([], True) if isinstance(worklist, CallvaultError) else worklist
        nearest = await tried(self._look_up(rows), seconds=_PATIENCE)
        if isinstance(nearest, CallvaultError):
            deadline, nearest = _reached("deadline", nearest), _Nearest()
        else:
            deadline = self._deadline(nearest.oldest, now, is_all=is_all)
        checks = (
            _reached("tables", worklist),
            _reached("queue", queue),
            _reached("poison", poison) if isinstance(poison, CallvaultError) else _poison(poison),
            _reached("archive", archive),
            _reached("acs", acs),
            deadline,
            _catalogue(nearest.unreadable),
            _sweep(rows, now),
        )
        return Checked(checks=checks, oldest=nearest.oldest)

    async def _look_up(self, rows: list[WorkItem]) -> _Nearest:
        """The first by deadline that is still open, if any, and the rows up to it that can't be read."""
        unreadable = [f"worklist, {item.row}: {item.flaw}" for item in rows if item.flaw is not None]
        for some in batched([item for item in rows if item.flaw is None], _AT_ONCE, strict=False):
            found = await asyncio.gather(*map(self._chunk, some))
            unreadable += [str(one) for one in found if isinstance(one, UnreadableRow)]
            chunks = [one for one in found if isinstance(one, Chunk) and one.state not in (*ONCE_SAFE, ChunkState.LOST)]
            if chunks:
                return _Nearest(oldest=chunks[0], unreadable=tuple(unreadable))
        return _Nearest(unreadable=tuple(unreadable))

    async def _chunk(self, item: WorkItem) -> Chunk | UnreadableRow | None:
        try:
            return await self._catalogue.chunk(item.recording_key, item.chunk_key or "")
        except UnreadableRow as error:
            return error

    def _deadline(self, chunk: Chunk | None, now: datetime, *, is_all: bool) -> Check:
        if chunk is None and not is_all:
            detail = "so many chunks wait to have their source deleted that none behind them can be seen"
            return Check(name="deadline", reason="unseen", detail=detail)
        if chunk is None or chunk.deadline - now > self._near:
            return Check(name="deadline")
        left = chunk.deadline - now
        hours = abs(left.total_seconds()) / 3600
        due = (
            f"in {hours:.1f} hours" if left > timedelta() else f"any moment: its deadline passed {hours:.1f} hours ago"
        )
        detail = f"a chunk isn't safe, and ACS may delete its source {due}"
        return Check(name="deadline", reason=chunk.reason or "late", detail=detail)


def _reached(name: str, result: object) -> Check:
    if isinstance(result, CallvaultError):
        return Check(name=name, reason=result.reason, detail=str(result))
    return Check(name=name)


def _poison(messages: int) -> Check:
    if not messages:
        return Check(name="poison")
    detail = (
        f"{messages} messages stay on the poison queue: look at the log of the function bury_job, replay the "
        "recordings that are open, then delete the messages"
    )
    return Check(name="poison", reason="poison-messages", detail=detail)


def _catalogue(unreadable: tuple[str, ...]) -> Check:
    if not unreadable:
        return Check(name="catalogue")
    more = "; …" if len(unreadable) > _NAMED else ""
    detail = (
        f"{len(unreadable)} rows can't be read by this version of the app: {'; '.join(unreadable[:_NAMED])}{more}; "
        "did a newer version write them?"
    )
    return Check(name="catalogue", reason="row-unreadable", detail=detail)


def _sweep(rows: list[WorkItem], now: datetime) -> Check:
    late = max((now - item.due_at for item in rows if item.flaw is None), default=timedelta())
    if late < _SWEEP_SILENT:
        return Check(name="sweep")
    detail = (
        f"a chunk has been due for {late.total_seconds() / 60:.0f} minutes, and no sweep checked it: does the function "
        "sweep run?"
    )
    return Check(name="sweep", reason="sweep-silent", detail=detail)
