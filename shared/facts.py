"""What was recorded when, and who is on which channel: read from the archived metadata files, checked by digest."""

import asyncio
import hashlib

from shared.contracts.metadata import ChunkFacts, read_facts
from shared.errors import DestinationConflict
from shared.gateways.archived import Archived
from shared.records import Chunk

_AT_ONCE = 8  # files read together
_LIMIT = 4 * 1024 * 1024  # bytes: what may be archived as metadata


class ArchivedFacts:
    """Reads the metadata files of chunks."""

    def __init__(self, archived: Archived) -> None:
        self._archived = archived

    async def of(self, chunks: tuple[Chunk, ...]) -> list[ChunkFacts | None]:
        """The facts of each chunk; None where its metadata aren't archived, are gone, or can't be read.

        Raises DestinationConflict when a file's bytes aren't those that were archived.
        """
        some = asyncio.Semaphore(_AT_ONCE)
        return list(await asyncio.gather(*(self._read(chunk, some) for chunk in chunks)))

    async def _read(self, chunk: Chunk, some: asyncio.Semaphore) -> ChunkFacts | None:
        if chunk.metadata_blob_name is None or chunk.metadata_sha256 is None:
            return None
        async with some:
            body = await self._archived.read(chunk.metadata_blob_name, limit=_LIMIT)
        if body is None:
            return None
        if hashlib.sha256(body).hexdigest() != chunk.metadata_sha256:
            raise DestinationConflict(
                f"the metadata file of chunk {chunk.index} is not the one that was archived: somebody changed it"
            )
        return read_facts(body)
