"""An extra, missing or misplaced block would break the recording after its source is deleted."""

import asyncio
import hashlib
import struct
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archiving.copy.engine import Copied, Transfer
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.source_file import open_media
from shared.domain.clock import SystemClock
from shared.domain.files.checksums import Checksum, ChecksumKind
from shared.domain.files.payload import Payload
from shared.errors import DestinationConflict, SourceError, SourceIncomplete, SourceUnavailable
from shared.gateways.acs.media import MediaSource, Part
from shared.gateways.blobs.archive import Archive, ArchiveFile
from tests.properties.effort import effort
from tests.properties.strategies import encodable_texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MOST_BLOCKS = 24
_SMALLEST = 64  # bytes: the headers of any format with some content
_SMALLEST_BLOCK = 17  # bytes; shorter reads are headers in blocks that aren't read


@dataclass(kw_only=True)
class Memory:
    """A source of one file, in memory. `sabotage` says how it falsifies a range.

    It fails at the block that starts at `breaks_at`. A range with `refusals` is answered that many times with the whole
    file.
    """

    data: bytes
    ranges: bool = True
    sabotage: dict[int, str] = field(default_factory=dict)  # by the offset of a range
    refusals: dict[int, int] = field(default_factory=dict)
    breaks_at: int | None = None
    etag: str | None = '"1"'
    read_from: list[int] = field(default_factory=list)

    async def read(self, location: str, *, start: int, length: int) -> Part | None:
        del location
        if not self.ranges and len(self.data) > length:
            return None
        await asyncio.sleep(0)
        if self.refusals.get(start, 0) > 0:
            self.refusals[start] -= 1
            return None
        self._break(start)
        if length >= _SMALLEST_BLOCK:
            self.read_from.append(start)
        return self._sabotaged(start, length)

    def _sabotaged(self, start: int, length: int) -> Part | None:
        whole = self.part(start, length)
        match self.sabotage.get(start):
            case "fails":
                raise SourceUnavailable("down")
            case "refuses":
                return None
            case "changed":
                return replace(whole, etag='"2"')
            case "forgot":
                return replace(whole, etag=None if self.etag else '"2"')
            case "grew":
                return replace(whole, total=whole.total + 1)
            case "short":
                return replace(whole, data=Payload.of(bytes(whole.data)[:-1]))
            case "elsewhere":
                return self.part(start - 1, length) if start else whole
        return whole

    async def stream(self, location: str, *, block_size: int) -> AsyncGenerator[Part]:
        del location
        for start in range(0, len(self.data), block_size):
            self._break(start)
            self.read_from.append(start)
            yield self.part(start, block_size)

    def part(self, start: int, length: int) -> Part:
        data = Payload.of(self.data[start : start + length])
        return Part(start=start, data=data, total=len(self.data), etag=self.etag, location="location")

    def _break(self, start: int) -> None:
        if self.breaks_at is not None and start >= self.breaks_at:
            raise SourceIncomplete("broken off")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A file's size, and the block size of its copy. All blocks of the file have different bytes."""

    size: int
    block_size: int
    in_flight: int
    budget: int = 4  # blocks
    media_format: str = "wav"

    @property
    def data(self) -> bytes:
        return self.version(0)

    def version(self, number: int) -> bytes:
        """The file with this version number. Versions have the same length and different bytes."""
        counted = b"".join((index << 4 | number).to_bytes(4) for index in range(self.size // 4 + 1))
        if self.media_format == "wav":
            rest = self.size - 44
            header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", rest + 36, b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
            return header + struct.pack("<4sI", b"data", rest) + counted[:rest]
        index = struct.pack(">I4sI4s", 16, b"moov", 8, b"mvhd")
        rest = self.size - 40
        content = struct.pack(">I4s", rest + 8, b"mdat") + counted[:rest]
        boxes = index + content if self.media_format == "mp4, index first" else content + index
        return struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 512) + boxes


@st.composite
def shapes(draw: st.DrawFn, *, blocks: int = 0) -> Shape:
    block_size = draw(st.sampled_from([_SMALLEST_BLOCK, 32, 100, 1000, 4096]))
    border = block_size * draw(st.integers(blocks, _MOST_BLOCKS))
    size = max(_SMALLEST, border + draw(st.sampled_from([-1, 0, 1]) | st.integers(0, block_size - 1)))
    return Shape(
        size=size,
        block_size=block_size,
        in_flight=draw(st.integers(1, 6)),
        budget=draw(st.integers(1, 12)),
        media_format=draw(st.sampled_from(["wav", "mp4, index first", "mp4, index last"])),
    )


def new_file(archive: Archive, **properties: str) -> tuple[str, ArchiveFile]:
    name = f"{uuid.uuid4().hex}.mp3"
    return name, archive.file(name, content_type="audio/mpeg", properties=properties)


async def copied(source: Memory, file: ArchiveFile, shape: Shape, *, resume: bool = False) -> Copied:
    budget = MemoryBudget(shape.budget)
    transfer = Transfer(in_flight=shape.in_flight, checksum=ChecksumKind.CRC64, budget=budget, clock=SystemClock())
    async with open_media(cast("MediaSource", source), "location", block_size=shape.block_size, budget=budget) as media:
        return await (transfer.resume if resume else transfer.copy)(media, file)


async def check_archived(archive: Archive, name: str, file: ArchiveFile, data: bytes, result: Copied) -> None:
    """Checks that the archive has these bytes under the name, with their digest."""
    stored = await archive.find(name)
    assert stored is not None
    assert await file.read(0, len(data)) == data
    assert (result.size, result.sha256) == (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@effort(40)
@given(shapes(), st.sampled_from(["ranges", "stream"]))
async def test_a_file_of_any_size_in_blocks_of_any_size_is_copied_unchanged(archive: Archive, shape: Shape, way: str):
    source = Memory(data=shape.data, ranges=way == "ranges")
    name, file = new_file(archive)
    result = await copied(source, file, shape)
    await check_archived(archive, name, file, shape.data, result)
    assert sorted(source.read_from) == list(range(0, shape.size, shape.block_size)), "each block is read once"


class Watched(ArchiveFile):
    """A file that counts the blocks that are being staged, and those that are in memory."""

    def __init__(self, file: ArchiveFile, source: Memory) -> None:
        vars(self).update(vars(file))
        self._source = source
        self._begun = self._done = 0
        self.most_staged_at_once = self.most_between = 0

    async def stage(self, block_id: str, data: Payload, *, checksum: Checksum) -> None:
        self._begun += 1
        self.most_staged_at_once = max(self.most_staged_at_once, self._begun - self._done)
        await super().stage(block_id, data, checksum=checksum)
        self.most_between = max(self.most_between, len(self._source.read_from) - self._done)
        self._done += 1


@effort(25)
@given(shapes(blocks=2))
async def test_the_number_of_concurrent_blocks_stays_within_the_settings(archive: Archive, shape: Shape):
    source = Memory(data=shape.data)
    name, file = new_file(archive)
    watched = Watched(file, source)
    await check_archived(archive, name, file, shape.data, await copied(source, watched, shape))
    assert 0 < watched.most_staged_at_once <= shape.in_flight
    assert watched.most_between <= min(2 * shape.in_flight, shape.budget)


@effort(15)
@given(shapes(), shapes())
async def test_of_two_files_under_one_name_the_first_stays(archive: Archive, shape: Shape, other: Shape):
    name, file = new_file(archive)
    result = await copied(Memory(data=shape.data), file, shape)
    again = await copied(Memory(data=shape.data), file, shape)
    assert again == result
    with pytest.raises(DestinationConflict):
        await copied(Memory(data=other.version(1)), file, other)
    await check_archived(archive, name, file, shape.data, result)


@effort(30)
@given(shapes(blocks=2), st.data())
async def test_a_failed_copy_leaves_no_file_and_the_next_copy_completes_it(
    archive: Archive, shape: Shape, data: st.DataObject
):
    offsets = range(shape.block_size, shape.size, shape.block_size)
    kinds = st.sampled_from(["refuses", "changed", "forgot", "grew", "short", "elsewhere"])
    sabotage = data.draw(st.dictionaries(st.sampled_from(offsets), kinds, max_size=3))
    sabotage[data.draw(st.sampled_from(offsets))] = "fails"
    name, file = new_file(archive)
    with pytest.raises(SourceError):
        await copied(Memory(data=shape.data, sabotage=sabotage), file, shape)
    assert await archive.find(name) is None
    staged = await file.staged()
    assert all(int(block.block_id[:5]) * shape.block_size not in sabotage for block in staged)

    source = Memory(data=shape.data)
    result = await copied(source, file, shape, resume=True)
    await check_archived(archive, name, file, shape.data, result)
    assert len(source.read_from) <= len(range(0, shape.size, shape.block_size))


@effort(20)
@given(shapes(blocks=2), st.data())
async def test_a_part_of_another_offset_is_never_written(archive: Archive, shape: Shape, data: st.DataObject):
    start = data.draw(st.sampled_from(range(shape.block_size, shape.size, shape.block_size)))
    kind = data.draw(st.sampled_from(["elsewhere", "changed", "forgot", "grew", "short"]))
    name, file = new_file(archive)
    with pytest.raises(SourceError):
        await copied(Memory(data=shape.data, sabotage={start: kind}), file, shape)
    assert await archive.find(name) is None
    assert all(int(block.block_id[:5]) * shape.block_size != start for block in await file.staged())


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The behaviour of the source in one attempt, and the version of its file."""

    version: int
    etag: str | None
    ranges: bool
    breaks_at: int | None
    refusals: dict[int, int]
    sabotage: dict[int, str]

    def source(self, shape: Shape) -> Memory:
        return Memory(
            data=shape.version(self.version),
            ranges=self.ranges,
            etag=self.etag,
            breaks_at=self.breaks_at,
            refusals=dict(self.refusals),
            sabotage=self.sabotage,
        )


@st.composite
def attempts(draw: st.DrawFn, shape: Shape) -> Attempt:
    """A strong ETag identifies one version. A weak ETag, or none, doesn't."""
    version = draw(st.integers(0, 1))
    offsets = st.sampled_from(range(0, shape.size, shape.block_size))
    return Attempt(
        version=version,
        etag=draw(st.sampled_from([f'"{version}"', f'"{version}"', 'W/"weak"', None])),
        ranges=draw(st.booleans()),
        breaks_at=draw(st.none() | offsets),
        refusals=draw(st.dictionaries(offsets, st.integers(1, 2), max_size=2)),
        sabotage=draw(st.dictionaries(offsets, st.sampled_from(["fails", "changed", "forgot", "short"]), max_size=1)),
    )


@effort(200)
@given(shapes(blocks=2), st.data())
async def test_after_any_sequence_of_attempts_the_file_has_the_bytes_of_one_version(
    archive: Archive, shape: Shape, data: st.DataObject
):
    """With and without ranges, with changing ETags, replaced files, and failures after any block."""
    name, file = new_file(archive)
    plan = data.draw(st.lists(attempts(shape), min_size=1, max_size=5))
    last = Attempt(version=0, etag='"0"', ranges=True, breaks_at=None, refusals={}, sabotage={})
    for number, attempt in enumerate([*plan, data.draw(st.sampled_from([last, replace(last, ranges=False)]))]):
        try:
            result = await copied(attempt.source(shape), file, shape, resume=number > 0)
        except SourceError:
            assert await archive.find(name) is None
        else:
            await check_archived(archive, name, file, shape.version(attempt.version), result)
            return
    pytest.fail("the last attempt must succeed")


@effort(40)
@given(st.lists(encodable_texts.filter(lambda text: 0 < len(text) <= 300), min_size=2, max_size=2))
async def test_ids_of_any_characters_survive_in_the_blob_metadata(archive: Archive, ids: list[str]):
    document_id, recording_id = ids
    name, file = new_file(archive, documentid=document_id, recordingid=recording_id)
    shape = Shape(size=100, block_size=40, in_flight=2)
    result = await copied(Memory(data=shape.data), file, shape)
    await check_archived(archive, name, file, shape.data, result)
    stored: Any = await archive.find(name)
    assert stored.document_id == document_id
