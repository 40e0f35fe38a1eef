"""Adds rows to the worklist and removes them, and keeps the list of open items up to date.

        add:     open list ──> worklist           remove:     open list ──> worklist
                     1             2                              1             2

A crash between the steps of `add` leaves an entry without a row, which readers ignore. A crash between the steps of
`remove` leaves a row, which the sweep checks once more and then removes. A row that was read is removed only if its
version is unchanged. If another process changed it, the row is still needed, and its entry is added to the list again.
"""

from datetime import datetime

from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Chunk
from shared.domain.work_item import WorkItem
from shared.gateways.bundle import Gateways


class OpenWork:
    """The worklist and the list of open items."""

    def __init__(self, gateways: Gateways) -> None:
        self._worklist, self._lists = gateways.worklist, gateways.lists

    async def add(self, item: WorkItem) -> None:
        """Adds a row, or changes when it is due."""
        if item.entry is not None:
            await self._lists.add(item.entry, ListName.OPEN)
        await self._worklist.add(item)

    async def postpone(self, item: WorkItem, due_at: datetime) -> None:
        """Changes only when a row that was read is due, unless the row was changed since then. Its list entry stays."""
        await self._worklist.postpone(item, due_at)

    async def remove(self, item: WorkItem) -> None:
        """Removes a row. If the item was read from the worklist, a row that changed since then stays.

        An item that wasn't read removes the row in any version: use this only for final ends, such as a released chunk.
        """
        entry = item.entry
        if item.version is not None and entry is not None:
            await self._remove_unless_changed(item, entry)
            return
        if entry is not None:
            await self._lists.remove(entry, ListName.OPEN)
        await self._worklist.remove(item)

    async def finish(self, item: WorkItem, chunk: Chunk, announce_at: datetime | None) -> None:
        """Removes the row of a chunk that needs no more work. Undelivered announcements get a row of their own first.

        `announce_at`: when to try to deliver them again, or None if there are none.
        """
        if announce_at is not None:
            await self.add(WorkItem.of_announcements(chunk, announce_at))
        await self.remove(item)

    async def _remove_unless_changed(self, item: WorkItem, entry: ListEntry) -> None:
        version = await self._lists.find(entry, ListName.OPEN)
        if version is not None:
            await self._lists.remove(entry, ListName.OPEN, version=version)
        if not await self._worklist.remove(item):
            await self._lists.add(entry, ListName.OPEN)
