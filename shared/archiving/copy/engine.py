"""The copy engine: reads ranges of the source, hashes them in order, and stages them as blocks in the archive.

A copy holds at most twice `in_flight` blocks, and all copies of the process share one memory budget. So the memory in
use depends on settings and not on the size of the files. Blocks are read ahead, hashed one after the other outside the
event loop, and staged in parallel.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from shared.archiving.copy.block_ids import BlockId, blocks_of_source
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.source_file import Block, Media
from shared.archiving.copy.threads import in_thread
from shared.archiving.copy.verification import Copied, Readable, read_back, verify
from shared.domain.clock import Clock
from shared.domain.files.checksums import Checksum, ChecksumKind, feed, sha256
from shared.domain.files.payload import Payload
from shared.errors import CallvaultError, DestinationConflict
from shared.gateways.blobs.archive import StagedBlock, WriteResult


class Sink(Readable, Protocol):
    """The file to write: in one request, or in blocks that are committed together."""

    async def put(self, data: Payload, *, checksum: Checksum, sha256: str) -> WriteResult: ...

    async def stage(self, block_id: str, data: Payload, *, checksum: Checksum) -> None: ...

    async def staged(self) -> list[StagedBlock]: ...

    async def commit(self, block_ids: list[str], *, size: int, sha256: str | None) -> WriteResult: ...


class Transfer:
    """Copies files into the archive. One instance per process: all copies share its memory budget."""

    def __init__(self, *, in_flight: int, checksum: ChecksumKind, budget: MemoryBudget, clock: Clock) -> None:
        self._in_flight, self._checksum, self._budget, self._clock = in_flight, checksum, budget, clock

    async def copy(self, media: Media, sink: Sink) -> Copied:
        """Copies one file. Raises what the source or the sink raises; then the archive has no part of the file."""
        return await self._copy(media, sink, {})

    async def resume(self, media: Media, sink: Sink) -> Copied:
        """Like `copy`, but continues from blocks that an earlier attempt staged from the same version of the source."""
        reusable = not media.is_small and media.can_resume
        return await self._copy(media, sink, await self._reusable(media, sink) if reusable else {})

    async def _copy(self, media: Media, sink: Sink, staged: Mapping[int, StagedBlock]) -> Copied:
        if media.is_small:
            return await self.put(media.head, sink)
        blocks = await _BlockCopy(media, sink, self._in_flight, self._checksum).run(staged)
        size, checked_at = sum(block.size for block in blocks.ids), self._clock.now()
        result = await sink.commit([block.block_id for block in blocks.ids], size=size, sha256=blocks.sha256)
        if blocks.sha256 is None:
            return await self.read_back(sink)
        return await self._same(sink, result, Copied(size=size, sha256=blocks.sha256, checked_at=checked_at))

    async def _reusable(self, media: Media, sink: Sink) -> dict[int, StagedBlock]:
        """Staged blocks of the same version of the source, by index. Empty unless they include its first block."""
        staged = blocks_of_source(await sink.staged(), media.version)
        head = await in_thread(sha256, media.head)
        first = str(BlockId.of(0, 0, media.version, head))
        return staged if 0 in staged and staged[0].block_id == first else {}

    async def put(self, data: Payload, sink: Sink) -> Copied:
        """Stores bytes that are in memory, in one request."""
        checksum, digest = await in_thread(lambda: (Checksum.of(data, self._checksum), sha256(data)))
        checked_at = self._clock.now()
        result = await sink.put(data, checksum=checksum, sha256=digest.hexdigest())
        return await self._same(sink, result, Copied(size=data.size, sha256=digest.hexdigest(), checked_at=checked_at))

    async def _same(self, sink: Sink, result: WriteResult, copied: Copied) -> Copied:
        """Returns `copied`. If the archive already had a file without a digest, verifies first that it is the same."""
        if result is WriteResult.UNVERIFIED and not await self.verify(sink, size=copied.size, sha256=copied.sha256):
            raise DestinationConflict.of(sink.name)
        return copied

    async def read_back(self, file: Sink) -> Copied:
        """Computes the digest of a committed file whose blob has none, by reading all of its bytes from the archive.

        Raises DestinationConflict if they differ from what was staged, or can't be compared with anything.
        """
        checked_at = self._clock.now()
        return replace(await read_back(file, self._budget), checked_at=checked_at)

    async def verify(self, file: Sink, *, size: int, sha256: str) -> bool:
        """Whether the archive has the file with this size and digest. Reads it only if its blob has no digest."""
        return await verify(file, size=size, sha256=sha256)


@dataclass(frozen=True, kw_only=True)
class _Blocks:
    """Staged blocks in order, and the file's digest. None if some blocks are from an earlier attempt."""

    ids: list[StagedBlock]
    sha256: str | None


# Blocks in order, each with its read or with its staged block of an earlier attempt. None marks the end.
type _Coming = asyncio.Queue[tuple[Block, asyncio.Task[Payload] | StagedBlock] | None]


class _BlockCopy:
    """Reads up to `in_flight` blocks at once, hashes them in order, and stages up to `in_flight` blocks at once.

    A block is hashed as soon as it is read, not when it is staged, so requests to the archive never wait for a digest.
    At most twice `in_flight` blocks are in memory.
    """

    def __init__(self, media: Media, sink: Sink, in_flight: int, checksum: ChecksumKind) -> None:
        self._media, self._sink, self._checksum = media, sink, checksum
        self._window = asyncio.Semaphore(2 * in_flight)
        self._reading, self._staging = asyncio.Semaphore(in_flight), asyncio.Semaphore(in_flight)
        self._blocks: list[StagedBlock] = []
        self._run, self._digest = 0, hashlib.sha256()

    async def run(self, staged: Mapping[int, StagedBlock]) -> _Blocks:
        failure: CallvaultError | None = None
        coming: _Coming = asyncio.Queue()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read_all(staged, coming, tasks))
                tasks.create_task(self._stage_all(coming, tasks))
        except* CallvaultError as group:
            failure = _first(group)
        if failure is not None:
            raise failure
        return _Blocks(ids=self._blocks, sha256=None if staged else self._digest.hexdigest())

    async def _read_all(self, staged: Mapping[int, StagedBlock], coming: _Coming, tasks: asyncio.TaskGroup) -> None:
        for block in self._media.blocks():
            there = staged.get(block.index)
            if there is not None and there.size == block.length:
                coming.put_nowait((block, there))
                if block.index == 0:
                    self._media.skip_head()
            else:
                await self._window.acquire()
                coming.put_nowait((block, tasks.create_task(self._read(block))))
        coming.put_nowait(None)

    async def _read(self, block: Block) -> Payload:
        async with self._reading:
            return await block.fetch()

    async def _stage_all(self, coming: _Coming, tasks: asyncio.TaskGroup) -> None:
        while (following := await coming.get()) is not None:
            block, item = following
            if isinstance(item, StagedBlock):
                await self._media.prove_unread(block)
                self._media.copied += item.size
                self._blocks.append(item)
                self._run, self._digest = len(self._blocks), hashlib.sha256()
            else:
                data = await item
                tasks.create_task(self._stage(data, *await in_thread(self._seal, block, data)))

    def _seal(self, block: Block, data: Payload) -> tuple[str, Checksum]:
        """Runs in a thread, one block at a time and in order. Raises before staging if the proof fails."""
        self._media.prove(block.start, data)
        feed(self._digest, data)
        block_id = str(BlockId.of(block.index, self._run, self._media.version, self._digest))
        self._blocks.append(StagedBlock(block_id=block_id, size=data.size))
        return block_id, Checksum.of(data, self._checksum)

    async def _stage(self, data: Payload, block_id: str, checksum: Checksum) -> None:
        try:
            async with self._staging:
                await self._sink.stage(block_id, data, checksum=checksum)
            self._media.copied += data.size
        finally:
            self._window.release()
            self._media.share.give_back()


def _first(group: BaseExceptionGroup[CallvaultError]) -> CallvaultError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
