"""Verifies files of the archive by reading them, for files whose blob has no digest in its metadata.

Immutable storage may refuse writes after the commit, so nothing depends on adding the digest later. A file without a
digest is verified by comparing its bytes with the digests in its block ids, or with the digest in the catalogue.
"""

import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.archiving.copy.block_ids import BlockId
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.threads import in_thread
from shared.domain.files.checksums import feed
from shared.domain.files.payload import Payload
from shared.errors import DestinationConflict, DestinationError
from shared.gateways.blobs.archive import StagedBlock, Stored

# Bytes per read of a file without block ids. These reads take no slot of the memory budget: a copy that holds the last
# slot would otherwise wait for itself forever.
_PIECE = 4 * 1024 * 1024


class Readable(Protocol):
    """A file of the archive that can be read, and whose digest can be written to its blob afterwards."""

    @property
    def name(self) -> str: ...

    async def find(self) -> Stored | None: ...

    async def committed(self) -> list[StagedBlock]: ...

    async def read(self, start: int, length: int) -> bytes: ...

    async def write_digest(self, *, size: int, sha256: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A copied file: its size in bytes, and the SHA-256 of the source's bytes in hexadecimal.

    `checked_at`: the latest time at which the archive is known to have had the file; never later than its verification.
    """

    size: int
    sha256: str
    checked_at: datetime | None = field(default=None, compare=False)


async def read_back(file: Readable, budget: MemoryBudget) -> Copied:
    """Computes the digest of a committed file from its bytes, and compares it with the block ids or the blob's digest.

    Raises DestinationConflict if they differ, or if there is neither. Writes a missing digest to the blob if storage
    allows it: then a rebuild and the next verification don't need to read the file again.
    """
    stored = await file.find()
    if stored is None:
        raise DestinationConflict(f"the archived file {file.name} was removed")
    blocks = [(_block_id(file, block), block.size) for block in await file.committed()]
    if not blocks and stored.sha256 is not None:
        digest = await _digest(file, stored.size)
        if digest != stored.sha256:
            raise DestinationConflict.of(file.name, "it doesn't match its digest")
        return Copied(size=stored.size, sha256=digest)
    if not blocks or sum(size for _, size in blocks) != stored.size:
        raise DestinationConflict.of(file.name, "it has neither block ids nor a digest")
    copied = Copied(size=stored.size, sha256=await _digest_of_blocks(file, blocks, budget))
    if stored.sha256 is None:
        with contextlib.suppress(DestinationError):
            await file.write_digest(size=copied.size, sha256=copied.sha256)
    return copied


async def verify(file: Readable, *, size: int, sha256: str) -> bool:
    """Whether the archive holds the file with this size and digest. Reads the file only if its blob has no digest."""
    stored = await file.find()
    if stored is None or stored.size != size:
        return False
    return sha256 == (stored.sha256 or await _digest(file, size))


async def is_there(file: Readable, *, size: int, sha256: str) -> bool:
    """Whether the archive still has a file that was verified shortly before. Never reads the file."""
    stored = await file.find()
    return stored is not None and stored.size == size and stored.sha256 in (None, sha256)


def _block_id(file: Readable, block: StagedBlock) -> BlockId:
    block_id = BlockId.parse(block.block_id)
    if block_id is None:
        raise DestinationConflict.of(file.name, "it contains blocks that Callvault didn't stage")
    return block_id


async def _digest(file: Readable, size: int) -> str:
    whole = hashlib.sha256()
    for start in range(0, size, _PIECE):
        data = Payload.of(await file.read(start, min(_PIECE, size - start)))
        await in_thread(feed, whole, data)
    return whole.hexdigest()


async def _digest_of_blocks(file: Readable, blocks: list[tuple[BlockId, int]], budget: MemoryBudget) -> str:
    last = {block_id.start: block_id.index for block_id, _ in blocks}  # the last block of each run
    whole = hashlib.sha256()
    runs: dict[int, hashlib._Hash] = {}
    offset = 0
    with budget.share() as share:
        await share.take()
        for place, (block_id, size) in enumerate(blocks):
            if block_id.index != place:
                raise DestinationConflict.of(file.name, "its blocks are in the wrong order")
            data = Payload.of(await file.read(offset, size))
            offset += size
            if place in last:
                runs[place] = hashlib.sha256()
            for digest in (whole, *runs.values()):
                await in_thread(feed, digest, data)
            if data.size != size or block_id.start not in runs or not block_id.holds(runs[block_id.start]):
                raise DestinationConflict.of(file.name, "it differs from what was staged")
            runs = {start: digest for start, digest in runs.items() if last[start] > place}
    return whole.hexdigest()
