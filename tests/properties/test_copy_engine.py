"""A block too many, too few or exchanged is a recording that plays wrongly, and whose source was deleted."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.budget import MemoryBudget
from shared.digests import Checksum, ChecksumKind
from shared.errors import DestinationConflict, SourceError, SourceUnavailable
from shared.gateways.archive import Archive, ArchiveFile
from shared.gateways.source import MediaSource, Part
from shared.media import opened
from shared.payload import Payload
from shared.transfer import Copied, Transfer
from tests.properties.effort import effort
from tests.properties.strategies import encodable_texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

_HEAD = b"ID3"
_MOST_BLOCKS = 24


@dataclass(kw_only=True)
class Memory:
    """A source of one file. What it does with a range that has a sabotage is decided by that."""

    data: bytes
    ranges: bool = True
    sabotage: dict[int, str] = field(default_factory=dict)  # by the offset of a range
    etag: str = '"1"'
    read_from: list[int] = field(default_factory=list)

    async def read(self, location: str, *, start: int, length: int) -> Part | None:
        del location
        if not self.ranges and len(self.data) > length:
            return None
        await asyncio.sleep(0)
        self.read_from.append(start)
        whole = self.part(start, length)
        match self.sabotage.get(start):
            case "fails":
                raise SourceUnavailable("down")
            case "refuses":
                return None
            case "changed":
                return replace(whole, etag='"2"')
            case "grew":
                return replace(whole, total=whole.total + 1)
            case "short":
                return replace(whole, data=Payload.of(bytes(whole.data)[:-1]))
        return whole

    async def stream(self, location: str, *, block_size: int) -> AsyncGenerator[Part]:
        del location
        for start in range(0, len(self.data), block_size):
            self.read_from.append(start)
            yield self.part(start, block_size)

    def part(self, start: int, length: int) -> Part:
        data = Payload.of(self.data[start : start + length])
        return Part(start=start, data=data, total=len(self.data), etag=self.etag, location="location")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A file's size and the blocks it is copied in; its bytes are such that no two blocks are the same."""

    size: int
    block_size: int
    in_flight: int
    budget: int = 4  # blocks

    @property
    def data(self) -> bytes:
        counted = b"".join(number.to_bytes(4) for number in range(self.size // 4 + 1))
        return (_HEAD + counted)[: self.size]


@st.composite
def shapes(draw: st.DrawFn, *, blocks: int = 0) -> Shape:
    block_size = draw(st.sampled_from([16, 17, 100, 1000, 4096]))
    border = block_size * draw(st.integers(blocks, _MOST_BLOCKS))
    size = max(len(_HEAD), border + draw(st.sampled_from([-1, 0, 1]) | st.integers(0, block_size - 1)))
    return Shape(size=size, block_size=block_size, in_flight=draw(st.integers(1, 6)), budget=draw(st.integers(1, 12)))


def fresh(archive: Archive, **properties: str) -> tuple[str, ArchiveFile]:
    name = f"{uuid.uuid4().hex}.mp3"
    return name, archive.file(name, content_type="audio/mpeg", properties=properties)


async def copied(source: Memory, file: ArchiveFile, shape: Shape, *, resume: bool = False) -> Copied:
    budget = MemoryBudget(shape.budget)
    transfer = Transfer(in_flight=shape.in_flight, checksum=ChecksumKind.CRC64, budget=budget)
    async with opened(cast("MediaSource", source), "location", block_size=shape.block_size, budget=budget) as media:
        return await transfer.copy(media, file, resume=resume)


async def stands(archive: Archive, name: str, file: ArchiveFile, data: bytes, told: Copied) -> None:
    """The archive holds these bytes under the name, and says so."""
    stored = await archive.find(name)
    assert stored is not None
    assert await file.read(0, len(data)) == data
    assert (told.size, told.sha256) == (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@effort(40)
@given(shapes(), st.sampled_from(["ranges", "stream"]))
async def test_a_file_of_any_size_in_blocks_of_any_size_arrives_as_it_is(archive: Archive, shape: Shape, way: str):
    source = Memory(data=shape.data, ranges=way == "ranges")
    name, file = fresh(archive)
    told = await copied(source, file, shape)
    await stands(archive, name, file, shape.data, told)
    assert sorted(source.read_from) == list(range(0, shape.size, shape.block_size)), "each block is read once"


class Watched(ArchiveFile):
    """A file of the archive that sees how many blocks are being staged, and how many lie between source and archive."""

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
async def test_no_more_blocks_are_under_way_than_the_settings_say(archive: Archive, shape: Shape):
    source = Memory(data=shape.data)
    name, file = fresh(archive)
    watched = Watched(file, source)
    await stands(archive, name, file, shape.data, await copied(source, watched, shape))
    assert 0 < watched.most_staged_at_once <= shape.in_flight
    assert watched.most_between <= min(2 * shape.in_flight, shape.budget)


@effort(15)
@given(shapes(), shapes())
async def test_of_two_files_under_one_name_the_first_stands(archive: Archive, shape: Shape, other: Shape):
    name, file = fresh(archive)
    told = await copied(Memory(data=shape.data), file, shape)
    again = await copied(Memory(data=shape.data), file, shape)
    assert again == told
    changed = _HEAD + other.data[len(_HEAD) :] + b"!"
    with pytest.raises(DestinationConflict):
        await copied(Memory(data=changed), file, other)
    await stands(archive, name, file, shape.data, told)


@effort(30)
@given(shapes(blocks=2), st.data())
async def test_a_source_that_goes_wrong_leaves_no_file_and_the_next_copy_makes_it_whole(
    archive: Archive, shape: Shape, data: st.DataObject
):
    offsets = range(shape.block_size, shape.size, shape.block_size)
    kinds = st.sampled_from(["refuses", "changed", "grew", "short"])
    sabotage = data.draw(st.dictionaries(st.sampled_from(offsets), kinds, max_size=3))
    sabotage[data.draw(st.sampled_from(offsets))] = "fails"
    name, file = fresh(archive)
    with pytest.raises(SourceError):
        await copied(Memory(data=shape.data, sabotage=sabotage), file, shape)
    assert await archive.find(name) is None
    staged = await file.staged()
    assert all(int(block.block_id[:5]) * shape.block_size not in sabotage for block in staged)

    source = Memory(data=shape.data)
    told = await copied(source, file, shape, resume=True)
    await stands(archive, name, file, shape.data, told)
    assert len(source.read_from) <= len(range(0, shape.size, shape.block_size))


@effort(40)
@given(st.lists(encodable_texts.filter(lambda text: 0 < len(text) <= 300), min_size=2, max_size=2))
async def test_ids_of_any_characters_are_kept_beside_the_file(archive: Archive, ids: list[str]):
    document_id, recording_id = ids
    name, file = fresh(archive, documentid=document_id, recordingid=recording_id)
    shape = Shape(size=100, block_size=40, in_flight=2)
    told = await copied(Memory(data=shape.data), file, shape)
    await stands(archive, name, file, shape.data, told)
    stored: Any = await archive.find(name)
    assert stored.document_id == document_id
