"""What was recorded when, and who is on which channel: read from the archived metadata files, checked by digest."""

import asyncio
import hashlib
from dataclasses import dataclass

from shared.contracts.chunk_metadata import ChunkFacts, read_facts
from shared.domain.records import Chunk
from shared.errors import DestinationConflict
from shared.gateways.blobs.archive_reader import ArchiveReader, Unreadable

_AT_ONCE = 8  # files read together


@dataclass(frozen=True, kw_only=True)
class MetadataRead:
    """What reading a chunk's metadata file gave. `is_absent`: whether it is missing; None: it wasn't looked for."""

    facts: ChunkFacts | None = None
    is_absent: bool | None = None


class ArchivedFacts:
    """Reads the metadata files of chunks."""

    def __init__(self, archived: ArchiveReader) -> None:
        self._archived = archived

    async def of(self, chunks: tuple[Chunk, ...]) -> list[MetadataRead]:
        """The facts of each chunk; none where its metadata aren't archived, are missing, or can't be read.

        Raises DestinationConflict when a file's bytes aren't those that were archived.
        """
        some = asyncio.Semaphore(_AT_ONCE)
        return list(await asyncio.gather(*(self._read(chunk, some) for chunk in chunks)))

    async def _read(self, chunk: Chunk, some: asyncio.Semaphore) -> MetadataRead:
        if chunk.metadata_blob_name is None or chunk.metadata_sha256 is None:
            return MetadataRead()
        async with some:
            body = await self._archived.metadata(chunk.metadata_blob_name)
        if isinstance(body, Unreadable):
            return MetadataRead(is_absent=body is Unreadable.ABSENT)
        if hashlib.sha256(body).hexdigest() != chunk.metadata_sha256:
            raise DestinationConflict(
                f"the metadata file of chunk {chunk.index} is not the one that was archived: somebody changed it"
            )
        return MetadataRead(facts=read_facts(body), is_absent=False)
