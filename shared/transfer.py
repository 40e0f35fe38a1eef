"""The copy engine: ranges of the source in, blocks of the archive out, the digest in order on the way.

At most `in_flight` blocks are held at a time, so memory is a product of two settings and not of the file's size. Each
block is read, hashed off the event loop and staged as a task of its own; the file's SHA-256 takes the blocks in order.
"""

import asyncio
import hashlib
import re
from base64 import urlsafe_b64encode
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.errors import CallvaultError, DestinationConflict, SourceIncomplete
from shared.gateways.archive import StagedBlock
from shared.media import Media

_BLOCK_ID = re.compile(r"\d{5}-[0-9a-f]{8}-[A-Za-z0-9_-]{43}")
_VERSION = slice(6, 14)  # of a block id


class Sink(Protocol):
    """Where a file goes: whole in one request, or in blocks that are committed together."""

    async def put(self, data: bytes, *, md5: bytes, sha256: str) -> None: ...

    async def stage(self, block_id: str, data: bytes, *, md5: bytes) -> None: ...

    async def staged(self) -> list[StagedBlock]: ...

    async def commit(self, block_ids: list[str], *, size: int, sha256: str | None) -> None: ...

    async def read(self, start: int, length: int) -> bytes: ...

    async def label(self, *, size: int, sha256: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied: bytes, and the SHA-256 of the source's bytes in hexadecimal."""

    size: int
    sha256: str


async def copy(media: Media, sink: Sink, *, in_flight: int, resume: bool = False) -> Copied:
    """Copies one file. Raises what the source or the sink raises, and then no part of a file stands in the archive.

    `resume` goes on from the blocks that an earlier attempt staged, as far as they are of this very source.
    """
    if media.whole is not None:
        return await copy_small(media.whole, sink)
    staged = _of_source(await sink.staged(), media.version) if resume and media.etag is not None else {}
    if staged:
        first = await asyncio.to_thread(_seal, 0, media.head, media.version)
        if 0 not in staged or staged[0].block_id != first.block_id:
            staged = {}
    return await _BlockCopy(sink, in_flight, media.version).run(media, staged)


async def copy_small(data: bytes, sink: Sink) -> Copied:
    """Copies a file that is here already, in one request."""
    sealed = await asyncio.to_thread(_seal, 0, data)
    await sink.put(data, md5=sealed.md5, sha256=sealed.sha256)
    return Copied(size=len(data), sha256=sealed.sha256)


class _BlockCopy:
    """Reads ahead by `in_flight` blocks, hashes them in order, and stages as many at once."""

    def __init__(self, sink: Sink, in_flight: int, version: str) -> None:
        self._sink = sink
        self._version = version
        self._in_flight = in_flight
        self._staging = asyncio.Semaphore(in_flight)
        self._digest = hashlib.sha256()
        self._blocks: list[StagedBlock] = []
        self._resumed = False

    async def run(self, media: Media, staged: Mapping[int, StagedBlock]) -> Copied:
        await self._move(media, staged)
        size = sum(block.size for block in self._blocks)
        if size != media.total:
            raise SourceIncomplete(f"the source declared {media.total} bytes and gave {size}")
        block_ids = [block.block_id for block in self._blocks]
        if self._resumed:
            await self._sink.commit(block_ids, size=size, sha256=None)
            return await read_back(self._sink, self._blocks)
        sha256 = self._digest.hexdigest()
        await self._sink.commit(block_ids, size=size, sha256=sha256)
        return Copied(size=size, sha256=sha256)

    async def _move(self, media: Media, staged: Mapping[int, StagedBlock]) -> None:
        failure: CallvaultError | None = None
        reading: deque[asyncio.Task[bytes] | StagedBlock] = deque()
        try:
            async with asyncio.TaskGroup() as tasks:
                async for block in media.blocks():
                    if len(reading) == self._in_flight:
                        await self._take(reading.popleft(), tasks)
                    there = staged.get(block.index)
                    if there is not None and there.size == block.length:
                        reading.append(there)
                    else:
                        reading.append(tasks.create_task(block.fetch()))
                while reading:
                    await self._take(reading.popleft(), tasks)
        except* CallvaultError as group:
            failure = _first(group)
        if failure is not None:
            raise failure

    async def _take(self, item: "asyncio.Task[bytes] | StagedBlock", tasks: asyncio.TaskGroup) -> None:
        if isinstance(item, StagedBlock):
            self._resumed = True
            self._blocks.append(item)
            return
        data = await item
        sealed = await asyncio.to_thread(self._hash, data)
        await self._staging.acquire()
        tasks.create_task(self._stage(sealed, data))

    def _hash(self, data: bytes) -> "_Sealed":
        """Runs in a thread, one block at a time and in order: hashlib lets go of the interpreter while it works."""
        sealed = _seal(len(self._blocks), data, self._version)
        self._digest.update(data)
        self._blocks.append(StagedBlock(block_id=sealed.block_id, size=len(data)))
        return sealed

    async def _stage(self, sealed: "_Sealed", data: bytes) -> None:
        try:
            await self._sink.stage(sealed.block_id, data, md5=sealed.md5)
        finally:
            self._staging.release()


async def read_back(sink: Sink, blocks: Sequence[StagedBlock]) -> Copied:
    """The digest of a committed file whose copy was taken up again, from its bytes in the archive.

    Each block must be what its id says that the source had. Raises DestinationConflict when one isn't.
    """
    digest = hashlib.sha256()
    start = 0
    for index, block in enumerate(blocks):
        data = await sink.read(start, block.size)
        version = block.block_id[_VERSION]
        if (await asyncio.to_thread(_seal, index, data, version)).block_id != block.block_id:
            raise DestinationConflict("the archive holds other bytes than were staged; the source was kept")
        await asyncio.to_thread(digest.update, data)
        start += block.size
    await sink.label(size=start, sha256=digest.hexdigest())
    return Copied(size=start, sha256=digest.hexdigest())


def _first(group: BaseExceptionGroup[CallvaultError]) -> CallvaultError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


@dataclass(frozen=True, kw_only=True)
class _Sealed:
    """A block's digests. Its id tells its place, the version of the source it is of, and its content."""

    block_id: str
    md5: bytes
    sha256: str


def _seal(index: int, data: bytes, version: str = "") -> _Sealed:
    digest = hashlib.sha256(data)
    return _Sealed(
        block_id=f"{index:05d}-{version}-{urlsafe_b64encode(digest.digest()).decode().rstrip('=')}",
        md5=hashlib.md5(data, usedforsecurity=False).digest(),
        sha256=digest.hexdigest(),
    )


def _of_source(blocks: Sequence[StagedBlock], version: str) -> dict[int, StagedBlock]:
    """Staged blocks of one version of the source, by place. A place that two claim is taken for empty."""
    mine = [block for block in blocks if _BLOCK_ID.fullmatch(block.block_id) and block.block_id[_VERSION] == version]
    places = Counter(int(block.block_id[:5]) for block in mine)
    return {int(block.block_id[:5]): block for block in mine if places[int(block.block_id[:5])] == 1}
