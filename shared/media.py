"""A media file of the source, opened: what it says of itself, how it starts, and its blocks in order."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.errors import SourceGarbled, SourceIncomplete
from shared.gateways.source import MediaSource, Part

_HEAD = 16  # bytes needed to tell a format
_MPEG_SYNC = 0xFFE0  # the eleven bits that every MPEG audio frame starts with

Read = Callable[[int], Awaitable[Part | None]]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of the source: its place, its bytes' number, and the call that brings them."""

    index: int
    length: int
    fetch: Callable[[], Coroutine[Any, Any, bytes]]


class Media:
    """A file of the source, opened: its first block is here, the rest is fetched as it is wanted.

    `rest` is what follows the first block, where the source serves no ranges and all comes in one stream.
    """

    def __init__(self, read: Read, block_size: int, first: Part, rest: AsyncIterator[Part] | None = None) -> None:
        self._read, self._block_size = read, block_size
        self._first, self._rest = first, rest
        self.total = first.total
        self.etag = first.etag
        # Blocks staged from another version of the file, or cut to another size, must never be mixed with these.
        self.version = hashlib.sha256(f"{first.total} {first.etag} {block_size}".encode()).hexdigest()[:8]
        self.format = sniff(first.data[:_HEAD])

    @property
    def head(self) -> bytes:
        """The first block."""
        return self._first.data

    @property
    def whole(self) -> bytes | None:
        """The file itself where its first block is all of it."""
        return self._first.data if len(self._first.data) == self.total else None

    async def blocks(self) -> AsyncIterator[Block]:
        """Every block in order; a source that serves ranges brings several at once."""
        first = self._first.data
        yield Block(index=0, length=len(first), fetch=partial(_ready, first))
        if self._rest is not None:
            index = 0
            async for part in self._rest:
                index += 1
                yield Block(index=index, length=len(part.data), fetch=partial(_ready, part.data))
            return
        for index, start in enumerate(range(self._block_size, self.total, self._block_size), 1):
            length = min(self._block_size, self.total - start)
            yield Block(index=index, length=length, fetch=partial(self._range, start))

    async def _range(self, start: int) -> bytes:
        part = await self._read(start)
        if part is None:
            raise SourceGarbled("the source served one range of the file and refused the next")
        if (part.total, part.etag) != (self.total, self.etag):
            raise SourceIncomplete("the source's file changed while it was copied")
        return part.data


@asynccontextmanager
async def opened(source: MediaSource, location: str, *, block_size: int) -> AsyncIterator[Media]:
    """Reads the first block. Raises SourceIncomplete when it isn't the start of a wav, mp3 or mp4 file."""

    def read(start: int) -> Awaitable[Part | None]:
        return source.read(location, start=start, length=block_size)

    first = await read(0)
    if first is not None:
        yield Media(read, block_size, first)
        return
    async with aclosing(source.stream(location, block_size=block_size)) as rest:
        yield Media(read, block_size, await anext(rest), rest)


async def _ready(data: bytes) -> bytes:
    return data


def sniff(head: bytes) -> str:
    """The format that a file starts like. Raises SourceIncomplete for anything else, such as an error page."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:3] == b"ID3" or int.from_bytes(head[:2]) & _MPEG_SYNC == _MPEG_SYNC:
        return "mp3"
    raise SourceIncomplete("the file doesn't start like wav, mp3 or mp4")
