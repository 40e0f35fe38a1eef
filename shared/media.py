"""A media file of the source, opened: what it says of itself, how it starts, and its blocks in order."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.budget import MemoryBudget, Share
from shared.errors import SourceError, SourceGarbled, SourceIncomplete
from shared.gateways.source import MediaSource, Part
from shared.payload import Payload

_HEAD = 16  # bytes needed to tell a format
_MPEG_SYNC = 0xFFE0  # the eleven bits that every MPEG audio frame starts with


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of the source: its place, its bytes' number, and the call that brings them.

    The call takes a place in the memory budget; who has no more use for the bytes gives it back to the media's share.
    """

    index: int
    length: int
    fetch: Callable[[], Coroutine[Any, Any, Payload]]


class _Ranges:
    """Reads blocks of one file wherever the first of them was found: a redirect is followed once, not for each."""

    def __init__(self, source: MediaSource, location: str, block_size: int) -> None:
        self._source, self._block_size = source, block_size
        self._given = self._found = location

    async def read(self, start: int) -> Part | None:
        try:
            part = await self._source.read(self._found, start=start, length=self._block_size)
        except SourceError:
            if self._found == self._given:
                raise
            self._found = self._given  # an address that a redirect named may have been for a while only
            part = await self._source.read(self._given, start=start, length=self._block_size)
        if part is not None:
            self._found = part.location
        return part


class Media:
    """A file of the source, opened: its first block is here, the rest is fetched as it is wanted.

    `rest` is what follows the first block, where the source serves no ranges and all comes in one stream.
    """

    def __init__(
        self, ranges: _Ranges, block_size: int, share: Share, first: Part, rest: AsyncGenerator[Part] | None = None
    ) -> None:
        self._ranges, self._block_size, self._rest = ranges, block_size, rest
        self._first: Payload | None = first.data
        self._streaming = asyncio.Lock()
        self.share = share
        self.copied = 0  # bytes of it that the archive has, in blocks
        self.total = first.total
        self.etag = first.etag
        # Blocks staged from another version of the file, or cut to another size, must never be mixed with these.
        self.version = hashlib.sha256(f"{first.total} {first.etag} {block_size}".encode()).hexdigest()[:8]
        self.format = sniff(first.data.head(_HEAD))

    @property
    def head(self) -> Payload:
        """The first block, until it was fetched."""
        if self._first is None:
            raise ValueError("the first block was fetched, and let go of")
        return self._first

    @property
    def is_small(self) -> bool:
        """Whether the first block is all of the file."""
        return self.total <= self._block_size

    def blocks(self) -> Iterator[Block]:
        """Every block in order. Several may be fetched at once, if their fetches begin in this order."""
        for index, start in enumerate(range(0, self.total, self._block_size)):
            length = min(self._block_size, self.total - start)
            bring = self._take_head if start == 0 else partial(self._bring, start, length)
            yield Block(index=index, length=length, fetch=bring)

    def skip_head(self) -> None:
        """Lets go of the first block, which the archive has already."""
        self._first = None
        self.share.give_back()

    async def _take_head(self) -> Payload:
        head, self._first = self.head, None
        return head

    async def _bring(self, start: int, length: int) -> Payload:
        await self.share.take()
        part = await (self._ranges.read(start) if self._rest is None else self._next(self._rest))
        if part is None:
            raise SourceGarbled("the source served one range of the file and refused the next")
        if (part.total, part.etag) != (self.total, self.etag):
            raise SourceIncomplete("the source's file changed while it was copied")
        if part.data.size != length:
            raise SourceIncomplete(f"the source gave {part.data.size} bytes of a block of {length}")
        return part.data

    async def _next(self, rest: AsyncGenerator[Part]) -> Part:
        async with self._streaming:
            part = await anext(rest, None)
        if part is None:
            raise SourceIncomplete("the source's stream ended before the file did")
        return part


@asynccontextmanager
async def opened(source: MediaSource, location: str, *, block_size: int, budget: MemoryBudget) -> AsyncIterator[Media]:
    """Reads the first block. Raises SourceIncomplete when it isn't the start of a wav, mp3 or mp4 file."""
    ranges = _Ranges(source, location, block_size)
    with budget.share() as share:
        await share.take()
        first = await ranges.read(0)
        if first is not None:
            yield Media(ranges, block_size, share, first)
            return
        async with aclosing(source.stream(location, block_size=block_size)) as rest:
            yield Media(ranges, block_size, share, await anext(rest), rest)


def sniff(head: bytes) -> str:
    """The format that a file starts like. Raises SourceIncomplete for anything else, such as an error page."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:3] == b"ID3" or int.from_bytes(head[:2]) & _MPEG_SYNC == _MPEG_SYNC:
        return "mp3"
    raise SourceIncomplete("the file doesn't start like wav, mp3 or mp4")
