"""An open media file of the source: its length, version and format, and its blocks in order.

Every part of the source carries its offset and is used only for the block at that offset. If the source doesn't serve
ranges, the file is read as one stream from its start, without skipping a block.

All parts of one copy must have the same total length and ETag. Without an ETag, the source could replace the file with
one of the same length between two ranges without being noticed. Blocks of such a source are therefore never reused by a
later attempt.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from shared.archiving.copy.media_format import Proof, sniff
from shared.archiving.copy.memory import MemoryBudget, Share
from shared.domain.files.payload import Payload
from shared.errors import SourceError, SourceGarbled, SourceIncomplete, SourceUnproven
from shared.gateways.acs.media import MediaSource, Part

_HEAD = 16  # bytes needed to recognize a format
_TRIES = 3  # per range: ACS sometimes answers a range with the whole file
# Increment this number if blocks that an older version of this code staged must not be reused.
_ENGINE = 2


class Accepted(Enum):
    """The files that a copy accepts."""

    MEDIA = auto()  # files that are proved to be wav, mp3 or mp4
    ANY_FILE = auto()  # every complete file. The last attempt uses this, and marks the file as unverified


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of the source: its index, its first byte, its length, and the function that fetches its bytes.

    `fetch` takes a slot of the memory budget. Call `Media.share.give_back` when the bytes are no longer needed.
    """

    index: int
    start: int
    length: int
    fetch: Callable[[], Coroutine[Any, Any, Payload]]


class _Ranges:
    """Reads parts of one file from where the first part was found: a redirect is followed once, not for each part."""

    def __init__(self, source: MediaSource, location: str, block_size: int) -> None:
        self._source, self.block_size = source, block_size
        self._given = self._found = location

    async def read(self, start: int, length: int) -> Part | None:
        """None if the source doesn't serve this range."""
        try:
            part = await self._source.read(self._found, start=start, length=length)
        except SourceError:
            if self._found == self._given:
                raise
            # The redirect's target may be valid for a limited time only: follow the redirect again.
            self._found = self._given
            part = await self._source.read(self._given, start=start, length=length)
        if part is not None:
            self._found = part.location
        return part

    async def read_served(self, start: int, length: int) -> Part:
        """A part of a file whose first range was served. Raises SourceGarbled if the source doesn't serve this one."""
        for _ in range(_TRIES):
            part = await self.read(start, length)
            if part is not None:
                return part
        raise SourceGarbled("the source served one range of the file and refused another")


class Media:
    """An open file of the source. Its first block is in memory; the others are fetched on demand.

    `rest` is the stream after the first block, if the source doesn't serve ranges. `format` is None only for a file of
    unknown format that is to be copied without proof.
    """

    def __init__(
        self,
        ranges: _Ranges,
        share: Share,
        first: Part,
        rest: AsyncGenerator[Part] | None = None,
        *,
        accepted: Accepted,
    ) -> None:
        self._ranges, self._block_size, self._rest = ranges, ranges.block_size, rest
        self._first: Payload | None = first.data
        self._streaming = asyncio.Lock()
        self.share = share
        self.copied = 0  # bytes that are staged in the archive
        self.total = first.total
        self.etag = first.etag
        # Blocks of another version of the file, or of another block size, must never be mixed with these.
        described = f"{_ENGINE} {first.total} {first.etag} {self._block_size}"
        self.version = hashlib.sha256(described.encode()).hexdigest()[:8]
        self.format = _format(first.data.head(_HEAD), accepted)
        self._proof = Proof(self.format, self.total) if self.format and accepted is Accepted.MEDIA else None
        self._check(first, 0, min(self._block_size, self.total))
        self.prove(0, first.data)

    @property
    def head(self) -> Payload:
        """The first block, until it is fetched."""
        if self._first is None:
            raise ValueError("the first block was fetched already")
        return self._first

    @property
    def is_small(self) -> bool:
        """Whether the first block is the whole file."""
        return self.total <= self._block_size

    @property
    def can_resume(self) -> bool:
        """Whether blocks of an earlier attempt can be reused. They must be proved to be the same bytes.

        A weak ETag doesn't prove that. A stream delivers every byte again anyway, so all blocks are staged again.
        """
        return self._rest is None and self.etag is not None and not self.etag.startswith("W/")

    def blocks(self) -> Iterator[Block]:
        """All blocks in order. Several may be fetched at once, if the fetches begin in this order.

        If the source is read as a stream, every block must be fetched.
        """
        for index, start in enumerate(range(0, self.total, self._block_size)):
            length = min(self._block_size, self.total - start)
            bring = self._take_head if start == 0 else partial(self._bring, start, length)
            yield Block(index=index, start=start, length=length, fetch=bring)

    def skip_head(self) -> None:
        """Discards the first block, which the archive has already."""
        self._first = None
        self.share.give_back()

    def prove(self, start: int, data: Payload) -> None:
        """Checks the file's structure in a block. Blocks must come in order. May run in a thread.

        The first block was checked when the file was opened.
        """
        if self._proof is not None:
            self._proof.see(start, data)

    async def prove_unread(self, block: Block) -> None:
        """Checks a block that isn't fetched because the archive has it: reads only the headers that are in it."""
        while self._proof is not None and (wanted := self._proof.missing(block.start + block.length)) is not None:
            part = await self._ranges.read_served(wanted.at, wanted.length)
            self._check(part, wanted.at, wanted.length)
            self._proof.take(bytes(part.data))

    async def _take_head(self) -> Payload:
        head, self._first = self.head, None
        return head

    async def _bring(self, start: int, length: int) -> Payload:
        await self.share.take()
        part = await (
            self._ranges.read_served(start, self._block_size) if self._rest is None else self._next(self._rest)
        )
        self._check(part, start, length)
        return part.data

    def _check(self, part: Part, start: int, length: int) -> None:
        if (part.total, part.etag) != (self.total, self.etag):
            raise SourceIncomplete("the source's file changed while it was copied")
        if part.start != start:
            raise SourceGarbled(f"the source sent bytes from offset {part.start} instead of {start}")
        if part.data.size != length:
            raise SourceIncomplete(f"the source sent {part.data.size} of a block's {length} bytes")

    async def _next(self, rest: AsyncGenerator[Part]) -> Part:
        async with self._streaming:
            part = await anext(rest, None)
        if part is None:
            raise SourceIncomplete("the source's stream ended before the file did")
        return part


@asynccontextmanager
async def open_media(
    source: MediaSource,
    location: str,
    *,
    block_size: int,
    budget: MemoryBudget,
    accepted: Accepted = Accepted.MEDIA,
) -> AsyncIterator[Media]:
    """Opens the file and reads its first block.

    Raises SourceUnproven for a file that doesn't start like wav, mp3 or mp4, unless any file is accepted.
    """
    ranges = _Ranges(source, location, block_size)
    with budget.share() as share:
        await share.take()
        first = await ranges.read(0, block_size)
        if first is not None:
            yield Media(ranges, share, first, accepted=accepted)
            return
        async with aclosing(source.stream(location, block_size=block_size)) as rest:
            yield Media(ranges, share, await anext(rest), rest, accepted=accepted)


def _format(head: bytes, accepted: Accepted) -> str | None:
    try:
        return sniff(head)
    except SourceUnproven:
        if accepted is Accepted.MEDIA:
            raise
        return None
