"""Ids of staged blocks. An interrupted copy is resumed from them alone: they name the block, its source and its digest.

    00012-00000-9f86d081-n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg
    index start version  SHA-256 of the run's bytes up to the end of this block, in URL-safe Base64

A run is a sequence of blocks that one attempt read without a gap, beginning with block `start`. A copy that was never
interrupted is one run from block 0. Its block digests are intermediate values of the file's own digest, so they need no
extra hashing. All ids are 64 characters long: Blob storage accepts no longer ids, and requires the same length for all
blocks of a file.
"""

import re
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.gateways.blobs.archive import StagedBlock

if TYPE_CHECKING:
    import hashlib

_FORM = re.compile(r"([0-9]{5})-([0-9]{5})-([0-9a-f]{8})-([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, kw_only=True)
class BlockId:
    """A block's index, the first block of its run, the version of its source, and the digest of its run."""

    index: int
    start: int
    version: str
    digest: str

    @classmethod
    def of(cls, index: int, start: int, version: str, run: "hashlib._Hash") -> Self:
        """`run`: the digest of all blocks from `start` to this block."""
        return cls(index=index, start=start, version=version, digest=_encoded(run))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for a block that Callvault didn't stage."""
        parts = _FORM.fullmatch(text)
        if parts is None:
            return None
        index, start, version, digest = parts.groups()
        return cls(index=int(index), start=int(start), version=version, digest=digest)

    def holds(self, run: "hashlib._Hash") -> bool:
        """Whether `run`, hashed up to the end of this block, has the digest in this id."""
        return self.digest == _encoded(run)

    def __str__(self) -> str:
        return f"{self.index:05d}-{self.start:05d}-{self.version}-{self.digest}"


def blocks_of_source(staged: Sequence[StagedBlock], version: str) -> dict[int, StagedBlock]:
    """Staged blocks of one version of the source, by index. An index that several blocks have is left out."""
    ids = [(BlockId.parse(block.block_id), block) for block in staged]
    mine = [(block_id.index, block) for block_id, block in ids if block_id is not None and block_id.version == version]
    found = Counter(index for index, _ in mine)
    return {index: block for index, block in mine if found[index] == 1}


def _encoded(run: "hashlib._Hash") -> str:
    return urlsafe_b64encode(run.digest()).decode().rstrip("=")
