"""Limits the memory of all copies of one process, as a number of blocks.

A block takes a slot before its bytes are requested, and returns it once they are staged. A copy takes slots in the
order of its blocks. So a copy that holds a slot can always finish that block, and no two copies wait for each other.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryBudget:
    """Slots for blocks, first come, first served. Must be used on one event loop."""

    def __init__(self, blocks: int) -> None:
        self._slots = asyncio.Semaphore(blocks)

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """The slots of one copy. Slots that it still holds at the end are returned."""
        share = Share(self._slots)
        try:
            yield share
        finally:
            while share.held:
                share.give_back()


class Share:
    """The slots that one copy holds."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self.held = 0

    async def take(self) -> None:
        await self._slots.acquire()
        self.held += 1

    def give_back(self) -> None:
        self.held -= 1
        self._slots.release()
