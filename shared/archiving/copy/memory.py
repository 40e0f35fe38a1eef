"""How much memory all copies of one process may hold at once, whatever their number: so many blocks.

A block takes its place before its bytes are asked for and gives it back once they are staged. Within one copy places
are taken in the order of the blocks, so whoever holds one can always go on, and no two copies wait for each other.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryBudget:
    """Places for blocks, first come, first served. Must be used on one event loop."""

    def __init__(self, blocks: int) -> None:
        self._places = asyncio.Semaphore(blocks)

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """One copy's part in it; whatever it still holds at the end is given back."""
        share = Share(self._places)
        try:
            yield share
        finally:
            while share.held:
                share.give_back()


class Share:
    """The places that one copy holds."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self.held = 0

    async def take(self) -> None:
        await self._places.acquire()
        self.held += 1

    def give_back(self) -> None:
        self.held -= 1
        self._places.release()
