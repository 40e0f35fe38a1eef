"""Ids of staged blocks. They alone say what is staged and of what, so that a copy that broke off can be resumed.

    00012-00000-9f86d081-n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg
    place run   version  SHA-256 of the run's bytes up to the end of this block, in URL-safe Base64

A run is a stretch of blocks that one attempt read without a gap: a copy that was never broken off is one run from
block 0, so its digests are those that the file's own goes through, and cost nothing besides. All ids are 64 characters
long: Blob storage takes no longer ones, and none of different lengths in one file.
"""

import re
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.errors import DestinationConflict
from shared.gateways.blobs.archive import StagedBlock

if TYPE_CHECKING:
    import hashlib

_FORM = re.compile(r"([0-9]{5})-([0-9]{5})-([0-9a-f]{8})-([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, kw_only=True)
class BlockId:
    """A block's place, the run that it continues, the version of the source that it is of, and the run's digest."""

    index: int
    start: int
    version: str
    digest: str

    @classmethod
    def of(cls, index: int, start: int, version: str, run: "hashlib._Hash") -> Self:
        """`run`: the digest of all blocks from `start` on, this one included."""
        return cls(index=index, start=start, version=version, digest=_told(run))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises DestinationConflict for a block that Callvault didn't stage."""
        parts = _FORM.fullmatch(text)
        if parts is None:
            raise DestinationConflict("the archive's file holds blocks that Callvault didn't stage")
        index, start, version, digest = parts.groups()
        return cls(index=int(index), start=int(start), version=version, digest=digest)

    def holds(self, run: "hashlib._Hash") -> bool:
        """Whether this is the digest of the run as far as this block."""
        return self.digest == _told(run)

    def __str__(self) -> str:
        return f"{self.index:05d}-{self.start:05d}-{self.version}-{self.digest}"


def blocks_of_source(staged: Sequence[StagedBlock], version: str) -> dict[int, StagedBlock]:
    """Staged blocks of one version of the source, by place. A place that two claim is taken for empty."""
    ids = [(BlockId.parse(block.block_id), block) for block in staged if _FORM.fullmatch(block.block_id)]
    mine = [(block_id.index, block) for block_id, block in ids if block_id.version == version]
    places = Counter(index for index, _ in mine)
    return {index: block for index, block in mine if places[index] == 1}


def _told(run: "hashlib._Hash") -> str:
    return urlsafe_b64encode(run.digest()).decode().rstrip("=")
