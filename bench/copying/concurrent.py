"""Runs a job's ranges with as many at once as Callvault has in flight."""

import asyncio
from collections.abc import Awaitable, Callable

from bench.copying.job import CopyJob


async def each_range(job: CopyJob, work: Callable[[int, int], Awaitable[None]]) -> None:
    """Calls `work` with the first and last byte of each range, in the order of the file."""
    waiting = iter(job.ranges)

    async def lane() -> None:
        for first, last in waiting:
            await work(first, last)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(min(job.in_flight, len(job.ranges))):
            lanes.create_task(lane())
