"""Reads archived metadata files: what was recorded when, and which participant is on which channel.

Each file is checked by its recorded digest.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from shared.contracts.chunk_metadata import ChunkFacts, read_facts
from shared.domain.records import Chunk
from shared.errors import DestinationConflict
from shared.gateways.blobs.archive_reader import ArchiveReader, Unreadable

_AT_ONCE = 8  # files read concurrently


@dataclass(frozen=True, kw_only=True)
class MetadataRead:
    """The result of reading a chunk's metadata file. `is_missing`: whether the file is missing; None if not checked."""

    facts: ChunkFacts | None = None
    is_missing: bool | None = None


class ArchivedFacts:
    """Reads the metadata files of chunks."""

    def __init__(self, archived: ArchiveReader) -> None:
        self._archived = archived

    async def of(self, chunks: tuple[Chunk, ...]) -> list[MetadataRead]:
        """The facts of each chunk. A chunk has none if its metadata file isn't archived, is missing or can't be read.

        Raises DestinationConflict if a file's content differs from the archived content.
        """
        limit = asyncio.Semaphore(_AT_ONCE)
        return list(await asyncio.gather(*(self._read(chunk, limit) for chunk in chunks)))

    async def _read(self, chunk: Chunk, limit: asyncio.Semaphore) -> MetadataRead:
        if chunk.metadata_blob_name is None or chunk.metadata_sha256 is None:
            return MetadataRead()
        async with limit:
            body = await self._archived.metadata(chunk.metadata_blob_name)
        if isinstance(body, Unreadable):
            return MetadataRead(is_missing=body is Unreadable.ABSENT)
        if hashlib.sha256(body).hexdigest() != chunk.metadata_sha256:
            raise DestinationConflict(
                f"the metadata file {chunk.metadata_blob_name} of chunk {chunk.index} was changed after it was "
                "archived: its digest differs"
            )
        return MetadataRead(facts=read_facts(body), is_missing=False)
