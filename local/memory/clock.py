"""A clock that is set forward by hand, and that wakes sleepers when it is."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta


class HandClock:
    """Shows one time between two calls of `forward`."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 10, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._numbers), waking))
        await waking

    def forward(self, **by: float) -> None:
        """Sets the clock forward by a timedelta's parts, and wakes those whose time has come."""
        self._now += timedelta(**by)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                waking.set_result(None)
