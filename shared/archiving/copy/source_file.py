"""A media file of the source, opened: what it says of itself, and its blocks in order.

Every part of the source carries its offset and is taken for the block at that offset alone. Where the source serves no
ranges, everything comes in one stream from the start of the file, each block of which is read and none passed over.

Parts of one copy must agree on the file's length and ETag. A source that gives no ETag can exchange the file for one of
the same length between two ranges, and nobody could see it; so nothing of it is kept for a later attempt either.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.archiving.copy.media_format import Proof, sniff
from shared.archiving.copy.memory import MemoryBudget, Share
from shared.domain.payload import Payload
from shared.errors import SourceError, SourceGarbled, SourceIncomplete, SourceUnproven
from shared.gateways.acs.media import MediaSource, Part

_HEAD = 16  # bytes needed to tell a format
_TRIES = 3  # of one range: the service answers one with the whole file now and then
# Changed whenever blocks that an older version of this code staged must not be used again.
_ENGINE = 2


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of the source: its place, where it starts, its bytes' number, and the call that brings them.

    The call takes a place in the memory budget; who has no more use for the bytes gives it back to the media's share.
    """

    index: int
    start: int
    length: int
    fetch: Callable[[], Coroutine[Any, Any, Payload]]


class _Ranges:
    """Reads parts of one file wherever the first of them was found: a redirect is followed once, not for each."""

    def __init__(self, source: MediaSource, location: str, block_size: int) -> None:
        self._source, self.block_size = source, block_size
        self._given = self._found = location

    async def read(self, start: int, length: int) -> Part | None:
        """None when the source won't serve this range."""
        try:
            part = await self._source.read(self._found, start=start, length=length)
        except SourceError:
            if self._found == self._given:
                raise
            self._found = self._given  # an address that a redirect named may have been for a while only
            part = await self._source.read(self._given, start=start, length=length)
        if part is not None:
            self._found = part.location
        return part

    async def read_served(self, start: int, length: int) -> Part:
        """A part of a file whose first range was served. Raises SourceGarbled when the source won't serve this one."""
        for _ in range(_TRIES):
            part = await self.read(start, length)
            if part is not None:
                return part
        raise SourceGarbled("the source served one range of the file and refused another")


class Media:
    """A file of the source, opened: its first block is here, the rest is fetched as it is wanted.

    `rest` is what follows the first block, where the source serves no ranges and all comes in one stream. `format` is
    None only for a file that needs no proof and starts like nothing we know.
    """

    def __init__(
        self,
        ranges: _Ranges,
        share: Share,
        first: Part,
        rest: AsyncGenerator[Part] | None = None,
        *,
        prove: bool = True,
    ) -> None:
        self._ranges, self._block_size, self._rest = ranges, ranges.block_size, rest
        self._first: Payload | None = first.data
        self._streaming = asyncio.Lock()
        self.share = share
        self.copied = 0  # bytes of it that the archive has, in blocks
        self.total = first.total
        self.etag = first.etag
        # Blocks staged from another version of the file, or cut to another size, must never be mixed with these.
        described = f"{_ENGINE} {first.total} {first.etag} {self._block_size}"
        self.version = hashlib.sha256(described.encode()).hexdigest()[:8]
        self.format = _format(first.data.head(_HEAD), prove=prove)
        self._proof = Proof(self.format, self.total) if prove and self.format is not None else None
        self._check(first, 0, min(self._block_size, self.total))
        self.prove(0, first.data)

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

    @property
    def can_resume(self) -> bool:
        """Whether blocks of an earlier attempt can be used: they must be proved to be of the same bytes.

        A weak ETag doesn't prove that. Of a stream every byte comes again anyhow, and is hashed and staged again.
        """
        return self._rest is None and self.etag is not None and not self.etag.startswith("W/")

    def blocks(self) -> Iterator[Block]:
        """Every block in order. Several may be fetched at once, if their fetches begin in this order.

        Of a stream every block must be fetched.
        """
        for index, start in enumerate(range(0, self.total, self._block_size)):
            length = min(self._block_size, self.total - start)
            bring = self._take_head if start == 0 else partial(self._bring, start, length)
            yield Block(index=index, start=start, length=length, fetch=bring)

    def skip_head(self) -> None:
        """Lets go of the first block, which the archive has already."""
        self._first = None
        self.share.give_back()

    def prove(self, start: int, data: Payload) -> None:
        """Follows the file's structure through a block. Blocks must come in order. May run in a thread.

        The first block was followed when the file was opened.
        """
        if self._proof is not None:
            self._proof.see(start, data)

    async def prove_unread(self, block: Block) -> None:
        """The same for a block that isn't fetched, as the archive has it: headers in it are read on their own."""
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
            raise SourceGarbled(f"the source gave bytes from {part.start} on where those from {start} on belong")
        if part.data.size != length:
            raise SourceIncomplete(f"the source gave {part.data.size} bytes of a block of {length}")

    async def _next(self, rest: AsyncGenerator[Part]) -> Part:
        async with self._streaming:
            part = await anext(rest, None)
        if part is None:
            raise SourceIncomplete("the source's stream ended before the file did")
        return part


@asynccontextmanager
async def open_media(
    source: MediaSource, location: str, *, block_size: int, budget: MemoryBudget, prove: bool = True
) -> AsyncIterator[Media]:
    """Reads the first block. Raises SourceUnproven when it isn't the start of a wav, mp3 or mp4 file.

    Without `prove` the file is taken whatever it is, as long as it is complete: for the last attempt, whose file is
    marked as unverified.
    """
    ranges = _Ranges(source, location, block_size)
    with budget.share() as share:
        await share.take()
        first = await ranges.read(0, block_size)
        if first is not None:
            yield Media(ranges, share, first, prove=prove)
            return
        async with aclosing(source.stream(location, block_size=block_size)) as rest:
            yield Media(ranges, share, await anext(rest), rest, prove=prove)


def _format(head: bytes, *, prove: bool) -> str | None:
    try:
        return sniff(head)
    except SourceUnproven:
        if prove:
            raise
        return None
