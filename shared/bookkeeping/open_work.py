"""Adds rows to the worklist and removes them, and keeps the list of open items in step.

        add:     open list ──> worklist           remove:     open list ──> worklist
                     1             2                              1             2

A crash after 1 of `add` leaves an entry that shows nothing; after 1 of `remove`, a row that is checked once more and
removed then. A row that was read is removed only in that version: another process that changed it still needs it, and
then it is listed again.
"""

from shared.domain.list_entry import ListEntry, ListName
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

    async def remove(self, item: WorkItem) -> None:
        """Removes a row that was read, unless it was changed since; one that wasn't read, whatever its version.

        The latter is for final ends, such as a released chunk's.
        """
        entry = item.entry
        if item.version is not None and entry is not None:
            await self._remove_unless_changed(item, entry)
            return
        if entry is not None:
            await self._lists.remove(entry, ListName.OPEN)
        await self._worklist.remove(item)

    async def _remove_unless_changed(self, item: WorkItem, entry: ListEntry) -> None:
        version = await self._lists.find(entry, ListName.OPEN)
        if version is not None:
            await self._lists.remove(entry, ListName.OPEN, version=version)
        if not await self._worklist.remove(item):
            await self._lists.add(entry, ListName.OPEN)
