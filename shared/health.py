"""Whether the promise is in danger: for monitors that ask every minute, so at a cost that doesn't grow.

The nearest deadlines of the worklist's sixteen shards, a few chunks, and one request each to queue, archive and ACS,
all at the same time. What the worklist shows is looked up in the catalogue before it counts: a chunk that is safe may
stay there, as until it is announced.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import batched

from shared.clock import Clock
from shared.contracts.health import HealthCheckView, HealthStatus, HealthView, OldestChunkView
from shared.errors import CallvaultError
from shared.gateways.bundle import Gateways
from shared.gateways.worklist import WorkItem
from shared.records import Chunk
from shared.settings import Settings
from shared.states import ONCE_SAFE, ChunkState

_PATIENCE = 10.0  # seconds for each thing that is looked at; a monitor waits thirty
_NEAR = timedelta(hours=4)  # before a deadline: when the sweep begins to call it an error
_NEAR_SHARE = 6  # and not more than this part of a retention
_AT_ONCE = 4  # chunks looked up together: the first is the one, as a rule
_SWEEP_SILENT = timedelta(minutes=10)  # how long a row may be due; the sweep comes every minute
_UNSEEN = HealthCheckView(
    name="deadline",
    ok=False,
    reason="unseen",
    detail="so many chunks wait to be announced, or to have their source deleted, that none behind them can be seen",
)


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

        async def read_worklist() -> None:
            nonlocal all_of_them
            nearest, all_of_them = await self._worklist.nearest()
            rows.extend(nearest)

        reached = await asyncio.gather(
            _checked("tables", read_worklist),
            _checked("queue", self._jobs.check),
            _checked("archive", self._archived.check),
            _checked("acs", self._recorder.check),
        )
        now = self._clock.now()
        oldest: list[Chunk] = []

        async def read_oldest() -> None:
            oldest.extend(await self._oldest(rows))

        looked = await _checked("deadline", read_oldest)
        chunk = oldest[0] if oldest else None
        if looked.ok and chunk is not None:
            looked = self._deadline(chunk, now)
        elif looked.ok and not all_of_them:
            looked = _UNSEEN
        checks = [*reached, looked, _sweep(rows, now)]
        return HealthView(
            status=HealthStatus.OK if all(check.ok for check in checks) else HealthStatus.DANGER,
            at=now,
            checks=checks,
            oldest_open=None if chunk is None else _told(chunk, now),
        )

    async def _oldest(self, rows: list[WorkItem]) -> list[Chunk]:
        """The first by deadline that is open still, if any."""
        for some in batched(rows, _AT_ONCE, strict=False):
            chunks = await asyncio.gather(
                *(self._catalogue.chunk(item.recording_key, item.chunk_key or "") for item in some)
            )
            for chunk in chunks:
                if chunk is not None and chunk.state not in (*ONCE_SAFE, ChunkState.LOST):
                    return [chunk]
        return []

    def _deadline(self, chunk: Chunk, now: datetime) -> HealthCheckView:
        left = chunk.deadline - now
        if left > self._near:
            return _fine("deadline")
        return HealthCheckView(
            name="deadline",
            ok=False,
            reason=chunk.reason or "late",
            detail=f"a chunk isn't safe, and ACS destroys its source in {left.total_seconds() / 3600:.1f} hours",
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


def _sweep(rows: list[WorkItem], now: datetime) -> HealthCheckView:
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
