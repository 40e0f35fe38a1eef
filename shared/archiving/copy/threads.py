"""Work that computes for long, such as a digest, runs in a thread, so that the event loop isn't blocked.

The running event loop provides the threads. An event loop that runs everything in one thread repeats a run exactly.
"""

import asyncio
from collections.abc import Callable


async def in_thread[T, **P](work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    return await asyncio.to_thread(work, *given, **named)
