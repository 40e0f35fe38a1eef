"""Writes chunks to the catalogue, and keeps the trouble list up to date.

        trouble list (added) ──> catalogue ──> trouble list (removed)
                1                    2                  3

A crash between two steps leaves an extra entry. Readers look up each entry in the catalogue, so it isn't shown. The
sweep, the repeated replay or the repeated event that queues a restarted chunk removes it. An entry is removed only if
it still has the version that was read before 2. If the chunk failed again meanwhile, the entry stays.
"""

from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Chunk
from shared.domain.states import IN_TROUBLE, ChunkState
from shared.gateways.bundle import Gateways


class ChunkWriter:
    """The catalogue's chunks and the trouble list."""

    def __init__(self, gateways: Gateways) -> None:
        self._catalogue, self._lists = gateways.catalogue, gateways.lists

    async def replace(self, chunk: Chunk) -> Chunk:
        """See `Catalogue.replace`."""
        await self.add_to_lists(chunk)
        if chunk.state is not ChunkState.PENDING or chunk.attempts:
            return await self._catalogue.replace(chunk)
        return await self.replace_out_of_trouble(chunk)

    async def add_to_lists(self, chunk: Chunk) -> None:
        if chunk.state in IN_TROUBLE:
            await self._lists.add(ListEntry.of_chunk(chunk), ListName.TROUBLE)

    async def replace_out_of_trouble(self, chunk: Chunk) -> Chunk:
        """Like `replace`, but also removes the chunk from the trouble list."""
        entry = ListEntry.of_chunk(chunk)
        version = await self._lists.find(entry, ListName.TROUBLE)
        replaced = await self._catalogue.replace(chunk)
        if version is not None:
            await self._lists.remove(entry, ListName.TROUBLE, version=version)
        return replaced

    async def without_trouble(self, chunk: Chunk) -> Chunk:
        """Removes the entry that a crash left of a restarted chunk: one look-up if there is none.

        Returns the chunk, which is written again if there is an entry: then no other process has put it on the list
        since. Raises LeaseLost if another process wrote it.
        """
        if chunk.state is not ChunkState.PENDING or chunk.attempts:
            return chunk
        if await self._lists.find(ListEntry.of_chunk(chunk), ListName.TROUBLE) is None:
            return chunk
        return await self.replace_out_of_trouble(chunk)
