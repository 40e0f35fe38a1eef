"""The copy engine with real storage and a real TLS source. Defects would misplace bytes or accept a wrong file."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.storage.blob.aio import BlobClient

from shared.archiving.copy.block_ids import BlockId
from shared.archiving.copy.engine import Copied, Transfer
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.source_file import Accepted, Media, open_media
from shared.domain.clock import SystemClock
from shared.domain.files.checksums import Checksum, ChecksumKind, sha256
from shared.domain.files.payload import Payload
from shared.domain.states import ChunkState
from shared.errors import DestinationConflict, SourceUnproven
from shared.gateways.blobs.archive import ArchiveFile
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
MIB = 1024 * KIB


class Engine:
    """A copy engine with blocks of one MiB, over a world's source and archive."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.budget = MemoryBudget(8)
        self.transfer = Transfer(in_flight=2, checksum=ChecksumKind.MD5, budget=self.budget, clock=SystemClock())

    @asynccontextmanager
    async def opened(self, made: dict[str, Any], accepted: Accepted = Accepted.MEDIA) -> AsyncIterator[Media]:
        location = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"][0]["contentLocation"]
        source = self.world.gateways.source
        async with open_media(source, location, block_size=MIB, budget=self.budget, accepted=accepted) as media:
            yield media

    async def copy(self, made: dict[str, Any], file: ArchiveFile) -> Copied:
        async with self.opened(made) as media:
            return await self.transfer.copy(media, file)

    async def resume(self, made: dict[str, Any], file: ArchiveFile) -> Copied:
        async with self.opened(made) as media:
            return await self.transfer.resume(media, file)

    def file(self, name: str, **properties: str) -> ArchiveFile:
        return self.world.gateways.archive.file(name, content_type="audio/wav", properties=properties)

    def blob(self, name: str) -> BlobClient:
        return self.world.app.clients.archive.get_blob_client(self.world.settings.archive_container, name)

    async def put_together(self, name: str, *blocks: bytes, runs: tuple[int, ...] = ()) -> str:
        """Commits a file of blocks like the engine does, without a digest on its blob. Returns the file's digest."""
        file = self.file(name, documentid="document")
        ids, whole, run = [], hashlib.sha256(), hashlib.sha256()
        for index, block in enumerate(blocks):
            start = max((start for start in runs if start <= index), default=0)
            run = hashlib.sha256() if index in runs else run
            for digest in (whole, run):
                digest.update(block)
            ids.append(str(BlockId.of(index, start, "0" * 8, run)))
            data = Payload.of(block)
            await file.stage(ids[-1], data, checksum=Checksum.of(data, ChecksumKind.MD5))
        await file.commit(ids, size=sum(map(len, blocks)), sha256=None)
        return whole.hexdigest()


@pytest.fixture
def engine(world: World) -> Engine:
    return Engine(world)


@pytest.mark.parametrize("size", [8 * MIB, 8 * MIB + 17])
@pytest.mark.storage("memory", "azurite")
async def test_a_copy_is_correct_although_one_attempt_read_a_stream_and_the_others_read_ranges(
    make_world: MakeWorld, size: int
):
    """An old engine staged parts of the stream at the offsets of later blocks, and the source was deleted."""
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=size, format="wav")
    document_id = made["chunks"][0]["documentId"]
    assert await world.take_job() == job
    await world.fault("download", "serverError", status=503, skip=4, documentId=document_id)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.PENDING
    await world.acs("DELETE", "/faults")
    await world.fault("download", "ignoreRange", times=0, documentId=document_id)
    await world.app.archiving.handle(await world.take_job())
    await world.acs("DELETE", "/faults")
    await world.drained()
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.sha256) == (ChunkState.RELEASED, made["chunks"][0]["sha256"])
    stored = (await world.blobs())[str(chunk.blob_name)]
    assert hashlib.sha256(stored).hexdigest() == made["chunks"][0]["sha256"]


@pytest.mark.storage("memory", "azurite")
async def test_blocks_that_an_older_engine_staged_are_never_reused(engine: Engine):
    """Blocks of the engine that mixed up parts may have the bytes of other offsets."""
    made = await engine.world.document(size=3 * MIB, format="wav")
    name = f"{uuid.uuid4().hex}.wav"
    async with engine.opened(made) as media:
        old = hashlib.sha256(f"{media.total} {media.etag} {MIB}".encode()).hexdigest()[:8]
        for index, data in enumerate((media.head, Payload.of(b"\x01" * MIB))):
            block_id = str(BlockId.of(index, index, old, sha256(data)))
            await engine.file(name).stage(block_id, data, checksum=Checksum.of(data, ChecksumKind.MD5))
    copied = await engine.resume(made, engine.file(name))
    assert copied.sha256 == made["chunks"][0]["sha256"]
    assert hashlib.sha256((await engine.world.blobs())[name]).hexdigest() == copied.sha256


async def test_a_range_that_is_answered_with_the_whole_file_is_requested_again(engine: Engine):
    made = await engine.world.document(size=5 * MIB, format="wav")
    document_id = made["chunks"][0]["documentId"]
    for skip in (2, 4):
        await engine.world.fault("download", "ignoreRange", skip=skip, times=1, documentId=document_id)
    copied = await engine.copy(made, engine.file("now-and-then.wav"))
    assert copied.sha256 == made["chunks"][0]["sha256"]


async def test_a_resumed_copy_reads_only_the_header_of_an_index_at_the_end_of_an_mp4(engine: Engine):
    made = await engine.world.document(size=4 * MIB, format="mp4")
    document_id = made["chunks"][0]["documentId"]
    async with engine.opened(made) as media:
        for block in media.blocks():
            data = await block.fetch()
            digest = sha256(data)
            block_id = str(BlockId.of(block.index, block.index, media.version, digest))
            await engine.file("index.mp4").stage(block_id, data, checksum=Checksum.of(data, ChecksumKind.MD5))
    before = len(await engine.world.acs("GET", f"/requests?documentId={document_id}"))
    copied = await engine.resume(made, engine.file("index.mp4"))
    assert copied.sha256 == made["chunks"][0]["sha256"]
    asked = (await engine.world.acs("GET", f"/requests?documentId={document_id}"))[before:]
    assert [request["bytesSent"] for request in asked] == [MIB, 16], "the first block and the index's header"


@pytest.mark.parametrize("media_format", ["wav", "mp3", "mp4"])
@pytest.mark.parametrize("size", [20 * KIB, 2 * MIB])
async def test_a_file_with_a_damaged_start_is_not_archived(engine: Engine, media_format: str, size: int):
    made = await engine.world.document(size=size, format=media_format)
    document_id = made["chunks"][0]["documentId"]
    await engine.world.fault("download", "corrupt", offset=0, times=0, documentId=document_id)
    with pytest.raises(SourceUnproven):
        await engine.copy(made, engine.file("damaged"))
    assert await engine.world.blobs() == {}


@pytest.mark.parametrize("ranges", [True, False])
async def test_an_mp4_whose_index_is_damaged_is_not_archived(engine: Engine, ranges: bool):
    made = await engine.world.document(size=3 * MIB, format="mp4")
    document_id = made["chunks"][0]["documentId"]
    if not ranges:
        location = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"][0]["contentLocation"]
        parts = [part async for part in engine.world.gateways.source.stream(location, block_size=MIB)]
        assert [part.start for part in parts] == [0, MIB, 2 * MIB]
        await engine.world.fault("download", "ignoreRange", times=1, documentId=document_id)
    name_of_the_index = 3 * MIB - 112
    await engine.world.fault("download", "corrupt", offset=name_of_the_index, times=0, documentId=document_id)
    with pytest.raises(SourceUnproven):
        await engine.copy(made, engine.file("damaged"))
    assert await engine.world.blobs() == {}


async def test_without_proof_any_complete_file_is_copied(engine: Engine):
    made = await engine.world.document(size=20 * KIB, format="wav")
    await engine.world.fault("download", "htmlBody", times=0, documentId=made["chunks"][0]["documentId"])
    async with engine.opened(made, Accepted.ANY_FILE) as media:
        assert media.format is None
        copied = await engine.transfer.copy(media, engine.file("page.unverified.wav"))
    (page,) = (await engine.world.blobs()).values()
    assert copied == Copied(size=len(page), sha256=hashlib.sha256(page).hexdigest())
    assert b"<html" in page.lower()


async def test_one_listing_finds_all_files_of_a_chunk_and_no_others(engine: Engine):
    for name in ("a/0000-doc.wav", "a/0000-doc.metadata.json", "a/0000-doc.unverified.mp4", "a/0000-document.wav"):
        data = Payload.of(name.encode())
        digest = sha256(data).hexdigest()
        file = engine.file(name, documentid="Dokument 1 ä")
        await file.put(data, checksum=Checksum.of(data, ChecksumKind.MD5), sha256=digest)
    found = await engine.world.gateways.archive.files_of("a/0000-doc")
    assert sorted(found) == ["metadata.json", "unverified.mp4", "wav"]
    assert found == {ending: await engine.world.gateways.archive.find(f"a/0000-doc.{ending}") for ending in found}, (
        "the listing returns the same as a request for each file"
    )
    assert {one.document_id for one in found.values()} == {"Dokument 1 ä"}
    assert await engine.world.gateways.archive.files_of("a/0001-doc") == {}


async def test_a_file_without_blocks_and_digest_is_a_conflict(engine: Engine):
    body = b"RIFF" + b"\0" * 5000
    await engine.blob("foreign.wav").upload_blob(body, metadata={"documentid": "document", "size": str(len(body))})
    with pytest.raises(DestinationConflict):
        await engine.transfer.read_back(engine.file("foreign.wav"))


async def test_a_file_stored_in_one_request_is_verified_by_its_recorded_digest(engine: Engine):
    body = b"RIFF" + b"\0" * 5000
    digest = hashlib.sha256(body).hexdigest()
    await engine.blob("right.wav").upload_blob(body, metadata={"sha256": digest})
    await engine.blob("wrong.wav").upload_blob(body, metadata={"sha256": "0" * 64})
    assert await engine.transfer.read_back(engine.file("right.wav")) == Copied(size=len(body), sha256=digest)
    with pytest.raises(DestinationConflict):
        await engine.transfer.read_back(engine.file("wrong.wav"))


@pytest.mark.parametrize("runs", [(), (2,), (1, 2)])
@pytest.mark.storage("memory", "azurite")
async def test_a_file_without_a_digest_is_verified_by_its_block_ids_and_gets_a_digest(
    engine: Engine, runs: tuple[int, ...]
):
    digest = await engine.put_together("blocks.wav", b"a" * 900, b"b" * 900, b"c" * 17, runs=runs)
    assert await engine.transfer.read_back(engine.file("blocks.wav")) == Copied(size=1817, sha256=digest)
    stored = await engine.world.gateways.archive.find("blocks.wav")
    assert stored is not None
    assert (stored.sha256, stored.is_whole) == (digest, True)


@pytest.mark.storage("azurite")
async def test_storage_that_refuses_writes_after_the_commit_only_causes_a_second_read(engine: Engine):
    """Like immutable storage. Here, a blob lease makes storage refuse the writes."""
    digest = await engine.put_together("held.wav", b"a" * 900, b"b" * 17)
    await engine.blob("held.wav").acquire_lease(-1)
    for _ in range(2):
        assert (await engine.transfer.read_back(engine.file("held.wav"))).sha256 == digest
    stored = await engine.world.gateways.archive.find("held.wav")
    assert stored is not None
    assert stored.sha256 is None, "the write was refused"
    file = engine.file("held.wav")
    assert await engine.transfer.verify(file, size=917, sha256=digest), (
        "a missing digest doesn't mean that the file was changed"
    )
    assert not await engine.transfer.verify(file, size=917, sha256="0" * 64)
    assert not await engine.transfer.verify(file, size=918, sha256=digest)


@pytest.mark.storage("memory", "azurite")
async def test_blocks_in_another_order_or_with_other_bytes_are_refused(engine: Engine):
    await engine.put_together("blocks.wav", b"a" * 900, b"b" * 900, runs=(0, 1))
    first, second = [block.block_id for block in await engine.file("blocks.wav").committed()]
    await engine.blob("blocks.wav").commit_block_list([second, first])
    with pytest.raises(DestinationConflict):
        await engine.transfer.read_back(engine.file("blocks.wav"))
    await engine.blob("blocks.wav").stage_block(second, b"c" * 900)
    await engine.blob("blocks.wav").commit_block_list([first, second])
    with pytest.raises(DestinationConflict):
        await engine.transfer.read_back(engine.file("blocks.wav"))


@pytest.mark.storage("memory", "azurite")
async def test_a_file_with_the_recorded_digest_is_verified_without_reading_it(engine: Engine):
    body = b"RIFF" + b"\0" * 5000
    digest = hashlib.sha256(body).hexdigest()
    await engine.blob("tagged.wav").upload_blob(body, metadata={"sha256": digest})
    assert await engine.transfer.verify(engine.file("tagged.wav"), size=len(body), sha256=digest)
    assert not await engine.transfer.verify(engine.file("tagged.wav"), size=len(body), sha256="0" * 64)
    assert not await engine.transfer.verify(engine.file("nowhere.wav"), size=len(body), sha256=digest)


@pytest.mark.parametrize("size", [20 * KIB, 3 * MIB])
@pytest.mark.storage("memory", "azurite")
async def test_a_file_that_lost_its_digest_is_read_before_it_is_refused(engine: Engine, size: int):
    made = await engine.world.document(size=size, format="wav")
    copied = await engine.copy(made, engine.file("same.wav"))
    await engine.blob("same.wav").set_blob_metadata({})
    assert await engine.copy(made, engine.file("same.wav")) == copied
    other = await engine.world.document(size=size, format="wav", seed=7)
    with pytest.raises(DestinationConflict):
        await engine.copy(other, engine.file("same.wav"))
