"""The copy engine: ranges of the source in, blocks of the archive out, the digest in order on the way.

At most `in_flight` blocks are held at a time, so memory is a product of two settings and not of the file's size. Each
block is read, hashed off the event loop and staged as a task of its own; the file's SHA-256 takes the blocks in order.
"""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from shared.errors import CallvaultError, SourceGarbled, SourceIncomplete
from shared.gateways.source import MediaSource, Part

_HEAD = 16  # bytes needed to tell a format
_MPEG_SYNC = 0xFFE0  # the eleven bits that every MPEG audio frame starts with

Read = Callable[[int], Awaitable[Part | None]]
Fetch = Callable[[], Coroutine[Any, Any, bytes]]


class Sink(Protocol):
    """Where a file goes: whole in one request, or in blocks that are committed together."""

    async def put(self, data: bytes, *, md5: bytes, sha256: str) -> None: ...

    async def stage(self, block_id: str, data: bytes, *, md5: bytes) -> None: ...

    async def commit(self, block_ids: list[str], *, size: int, sha256: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied: bytes, and the SHA-256 of the source's bytes in hexadecimal."""

    size: int
    sha256: str


class Media:
    """A file of the source, opened: its first block is here, the rest is fetched as it is wanted.

    `rest` is what follows the first block, where the source serves no ranges and all comes in one stream.
    """

    def __init__(self, read: Read, block_size: int, first: Part, rest: AsyncIterator[Part] | None = None) -> None:
        self._read, self._block_size = read, block_size
        self._first, self._rest = first, rest
        self.total = first.total
        self.format = sniff(first.data[:_HEAD])

    def must_be(self, formats: Collection[str]) -> None:
        """Raises SourceIncomplete unless the file starts like one of these formats."""
        if self.format not in formats:
            raise SourceIncomplete(f"the file starts like {self.format}, but {' or '.join(formats)} was announced")

    @property
    def whole(self) -> bytes | None:
        """The file itself where its first block is all of it."""
        return self._first.data if len(self._first.data) == self.total else None

    async def blocks(self) -> AsyncIterator[Fetch]:
        """Every block in order, as a call that brings it; calls of a source that serves ranges may run at once."""
        yield partial(_ready, self._first.data)
        if self._rest is not None:
            async for part in self._rest:
                yield partial(_ready, part.data)
            return
        for start in range(self._block_size, self.total, self._block_size):
            yield partial(self._range, start)

    async def _range(self, start: int) -> bytes:
        part = await self._read(start)
        if part is None:
            raise SourceGarbled("the source served one range of the file and refused the next")
        if (part.total, part.etag) != (self.total, self._first.etag):
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


async def copy(media: Media, sink: Sink, *, in_flight: int) -> Copied:
    """Copies one file. Raises what the source or the sink raises, and then nothing stands in the archive."""
    if media.whole is None:
        return await _BlockCopy(sink, in_flight).run(media)
    return await copy_small(media.whole, sink)


async def copy_small(data: bytes, sink: Sink) -> Copied:
    """Copies a file that is here already, in one request."""
    sealed = await asyncio.to_thread(_seal, 0, data)
    await sink.put(data, md5=sealed.md5, sha256=sealed.sha256)
    return Copied(size=len(data), sha256=sealed.sha256)


class _BlockCopy:
    """Reads ahead by `in_flight` blocks, hashes them in order, and stages as many at once."""

    def __init__(self, sink: Sink, in_flight: int) -> None:
        self._sink = sink
        self._in_flight = in_flight
        self._staging = asyncio.Semaphore(in_flight)
        self._digest = hashlib.sha256()
        self._size = 0
        self._block_ids: list[str] = []

    async def run(self, media: Media) -> Copied:
        failure: CallvaultError | None = None
        reading: deque[asyncio.Task[bytes]] = deque()
        try:
            async with asyncio.TaskGroup() as tasks:
                async for fetch in media.blocks():
                    if len(reading) == self._in_flight:
                        await self._take(await reading.popleft(), tasks)
                    reading.append(tasks.create_task(fetch()))
                while reading:
                    await self._take(await reading.popleft(), tasks)
        except* CallvaultError as group:
            failure = _first(group)
        if failure is not None:
            raise failure
        if self._size != media.total:
            raise SourceIncomplete(f"the source declared {media.total} bytes and gave {self._size}")
        copied = Copied(size=self._size, sha256=self._digest.hexdigest())
        await self._sink.commit(self._block_ids, size=copied.size, sha256=copied.sha256)
        return copied

    async def _take(self, data: bytes, tasks: asyncio.TaskGroup) -> None:
        sealed = await asyncio.to_thread(self._hash, data)
        await self._staging.acquire()
        tasks.create_task(self._stage(sealed, data))

    def _hash(self, data: bytes) -> "_Sealed":
        """Runs in a thread, one block at a time and in order: hashlib lets go of the interpreter while it works."""
        sealed = _seal(len(self._block_ids), data)
        self._digest.update(data)
        self._size += len(data)
        self._block_ids.append(sealed.block_id)
        return sealed

    async def _stage(self, sealed: "_Sealed", data: bytes) -> None:
        try:
            await self._sink.stage(sealed.block_id, data, md5=sealed.md5)
        finally:
            self._staging.release()


def _first(group: BaseExceptionGroup[CallvaultError]) -> CallvaultError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


@dataclass(frozen=True, kw_only=True)
class _Sealed:
    """A block's digests. Its id tells its place and its content, so a list of staged blocks says what they hold."""

    block_id: str
    md5: bytes
    sha256: str


def _seal(index: int, data: bytes) -> _Sealed:
    digest = hashlib.sha256(data)
    return _Sealed(
        block_id=f"{index:05d}-{urlsafe_b64encode(digest.digest()).decode().rstrip('=')}",
        md5=hashlib.md5(data, usedforsecurity=False).digest(),
        sha256=digest.hexdigest(),
    )
