"""Checks the health of the app, for monitors that ask every minute. The cost doesn't grow with the archive.

The nearest deadlines of the worklist's sixteen shards, a few chunks, and one request each to both queues, archive and
ACS, all at the same time. What the worklist shows is looked up in the catalogue before it counts: a chunk that is safe
may stay there until its source is deleted. A row that this version can't read is named, and hides no other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from shared.contracts.http.health import HealthCheckView, HealthStatus, HealthView, OldestChunkView
from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.domain.states import ONCE_SAFE, ChunkState
from shared.errors import CallvaultError, UnreadableRow
from shared.gateways.bundle import Gateways
from shared.gateways.tables.worklist import WorkItem
from shared.settings.settings import Settings

_PATIENCE = 10.0  # seconds for each thing that is looked at; a monitor waits thirty
_NEAR = timedelta(hours=4)  # before a deadline: when the sweep begins to call it an error
_NEAR_SHARE = 6  # and not more than this part of a retention
_AT_ONCE = 16  # chunks looked up concurrently; usually the first one is open
_NAMED = 3  # rows that can't be read, in a check's detail
_SWEEP_SILENT = timedelta(minutes=10)  # how long a row may be due; the sweep comes every minute
_UNSEEN = HealthCheckView(
    name="deadline",
    ok=False,
    reason="unseen",
    detail="so many chunks wait to have their source deleted that none behind them can be seen",
)


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """The chunk that is open with the least time left, and the unreadable rows, among the worklist's first rows."""

    oldest: Chunk | None = None
    unreadable: tuple[str, ...] = ()


class Health:
    """Answers how things stand now."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._worklist, self._catalogue, self._jobs = gateways.worklist, gateways.catalogue, gateways.jobs
        self._archived, self._recorder = gateways.archived, gateways.recorder
        self._clock = clock
        self._near = min(_NEAR, settings.retention / _NEAR_SHARE)

    async def look(self) -> HealthView:
        """Raises nothing: what can't be reached is told."""
        rows: list[WorkItem] = []
        all_of_them = True
        poisoned = 0

        async def read_worklist() -> None:
            nonlocal all_of_them
            nearest, all_of_them = await self._worklist.nearest()
            rows.extend(nearest)

        async def count_poison() -> None:
            nonlocal poisoned
            poisoned = await self._jobs.poisoned()

        reached = await asyncio.gather(
            _checked("tables", read_worklist),
            _checked("queue", self._jobs.check),
            _checked("poison", count_poison),
            _checked("archive", self._archived.check),
            _checked("acs", self._recorder.check),
        )
        now = self._clock.now()
        looked = _Looked()

        async def look_up() -> None:
            nonlocal looked
            looked = await self._look_up(rows)

        seen = await _checked("deadline", look_up)
        if seen.ok and looked.oldest is not None:
            seen = self._deadline(looked.oldest, now)
        elif seen.ok and not all_of_them:
            seen = _UNSEEN
        told = [_poison(poisoned) if check.name == "poison" and check.ok else check for check in reached]
        checks = [*told, seen, _catalogue(looked.unreadable), _sweep(rows, now)]
        return HealthView(
            status=HealthStatus.OK if all(check.ok for check in checks) else HealthStatus.DANGER,
            at=now,
            checks=checks,
            oldest_open=None if looked.oldest is None else _told(looked.oldest, now),
        )

    async def _look_up(self, rows: list[WorkItem]) -> _Looked:
        """The first by deadline that is open still, if any, and the rows up to it that can't be read."""
        unreadable = [f"worklist, {item.row}: {item.flaw}" for item in rows if item.flaw is not None]
        oldest: Chunk | None = None
        for some in batched([item for item in rows if item.flaw is None], _AT_ONCE, strict=False):
            found = await asyncio.gather(*map(self._chunk, some))
            unreadable += [str(one) for one in found if isinstance(one, UnreadableRow)]
            chunks = [one for one in found if isinstance(one, Chunk) and one.state not in (*ONCE_SAFE, ChunkState.LOST)]
            if chunks:
                oldest = chunks[0]
                break
        return _Looked(oldest=oldest, unreadable=tuple(unreadable))

    async def _chunk(self, item: WorkItem) -> Chunk | UnreadableRow | None:
        try:
            return await self._catalogue.chunk(item.recording_key, item.chunk_key or "")
        except UnreadableRow as error:
            return error

    def _deadline(self, chunk: Chunk, now: datetime) -> HealthCheckView:
        left = chunk.deadline - now
        if left > self._near:
            return _fine("deadline")
        hours = abs(left.total_seconds()) / 3600
        due = (
            f"in {hours:.1f} hours" if left > timedelta() else f"any moment: its deadline passed {hours:.1f} hours ago"
        )
        return HealthCheckView(
            name="deadline",
            ok=False,
            reason=chunk.reason or "late",
            detail=f"a chunk isn't safe, and ACS may delete its source {due}",
        )


async def _checked(name: str, look: Callable[[], Awaitable[None]]) -> HealthCheckView:
    try:
        async with asyncio.timeout(_PATIENCE):
            await look()
    except CallvaultError as error:
        return HealthCheckView(name=name, ok=False, reason=error.reason, detail=str(error))
    except TimeoutError:
        return HealthCheckView(name=name, ok=False, reason="timeout", detail=f"no answer within {_PATIENCE:.0f} s")
    return _fine(name)


def _poison(messages: int) -> HealthCheckView:
    if not messages:
        return _fine("poison")
    detail = (
        f"{messages} messages stay on the poison queue: look at the log of the function bury_job, replay the "
        "recordings that are open, then delete the messages"
    )
    return HealthCheckView(name="poison", ok=False, reason="poison-messages", detail=detail)


def _catalogue(unreadable: tuple[str, ...]) -> HealthCheckView:
    if not unreadable:
        return _fine("catalogue")
    more = "; …" if len(unreadable) > _NAMED else ""
    detail = (
        f"{len(unreadable)} rows can't be read by this version of the app: {'; '.join(unreadable[:_NAMED])}{more}; "
        "did a newer version write them?"
    )
    return HealthCheckView(name="catalogue", ok=False, reason="row-unreadable", detail=detail)


def _sweep(rows: list[WorkItem], now: datetime) -> HealthCheckView:
    rows = [item for item in rows if item.flaw is None]
    if all(now - item.due_at < _SWEEP_SILENT for item in rows):
        return _fine("sweep")
    minutes = max(now - item.due_at for item in rows).total_seconds() / 60
    detail = f"a chunk has been due for {minutes:.0f} minutes and nobody looked: does the function sweep run?"
    return HealthCheckView(name="sweep", ok=False, reason="sweep-silent", detail=detail)


def _fine(name: str) -> HealthCheckView:
    return HealthCheckView(name=name, ok=True, reason=None, detail=None)


def _told(chunk: Chunk, now: datetime) -> OldestChunkView:
    return OldestChunkView(
        recording_key=chunk.recording_key,
        chunk_key=chunk.chunk_key,
        state=chunk.state,
        age_seconds=(now - chunk.event_time).total_seconds(),
        seconds_left=(chunk.deadline - now).total_seconds(),
    )
