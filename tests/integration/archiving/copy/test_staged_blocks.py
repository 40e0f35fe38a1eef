"""A copy continues from staged blocks, and no file with other bytes counts as archived."""

import hashlib

import pytest

from shared.domain.files.checksums import Checksum, ChecksumKind
from shared.domain.files.payload import Payload
from shared.domain.states import ChunkState
from shared.errors import DestinationConflict, DestinationError
from tests.integration.archiving.checks import MIB, check_released
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.storage("memory", "azurite")
async def test_an_interrupted_copy_continues_from_the_staged_blocks(make_world: MakeWorld):
    """A file of gigabytes that starts from zero after each fault may never be complete before its deadline."""
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=2)
    made, job = await world.announced(size=12 * MIB + 3, format="wav")
    assert await world.take_job() == job
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=500, skip=8, documentId=document_id)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.PENDING
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    ranges = [request["range"] for request in requests if request["operation"] == "download"]
    again = {one for one in ranges if ranges.count(one) > 1}
    assert len(again) <= 5, (
        "only the first block, for comparison, and blocks in flight, twice RANGES_IN_FLIGHT, are read again"
    )
    (blob,) = [body for name, body in (await world.blobs()).items() if name.endswith(".wav")]
    assert hashlib.sha256(blob).hexdigest() == made["chunks"][0]["sha256"]


async def test_blocks_of_another_version_of_the_source_are_not_reused(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    assert await world.take_job() == job
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=500, skip=3, documentId=document_id)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    (staged, *_) = (await blob.get_block_list("uncommitted"))[1]
    index, run, version, digest = staged.id.split("-", 3)
    for other in ("0" * 8, version):  # blocks of another version of the source, and two blocks with the same index
        await blob.stage_block(f"00003-{run}-{other}-{digest}", b"\0" * MIB)
        await blob.stage_block(f"00003-{run}-{other}-{'A' * 43}", b"\1" * MIB)
    assert index < "00003"
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)


async def test_a_replaced_block_is_detected_before_the_source_is_deleted(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    assert await world.take_job() == job
    await world.fault("download", "serverError", status=500, skip=3, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    staged = (await blob.get_block_list("uncommitted"))[1]
    await blob.stage_block(staged[-1].id, b"\0" * MIB)
    await world.app.archiving.handle(await world.take_job())
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason, chunk.fault) == (ChunkState.FAILED, "storage-conflict", "destination")
    assert (await world.source(made))["deletedAt"] is None, "the archive's bytes differ from the source's"


async def test_a_file_that_a_dead_worker_committed_is_read_back_by_the_next_worker(
    make_world: MakeWorld,
):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=3 * MIB, format="wav")
    await world.fault("delete", "serverError", status=500, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    done = await world.chunk(job)
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, str(done.blob_name))
    properties = await blob.get_blob_properties()
    await blob.set_blob_metadata({name: value for name, value in properties.metadata.items() if name != "sha256"})
    await world.writers.chunks.replace(done.evolve(state=ChunkState.PENDING, sha256=None, next_attempt_at=None))
    await world.app.archiving.handle(job)
    await check_released(world, made)
    assert (await blob.get_blob_properties()).metadata["sha256"] == made["chunks"][0]["sha256"]


@pytest.mark.parametrize("kind", list(ChecksumKind))
async def test_blob_storage_refuses_a_block_that_doesn_t_match_its_checksum(world: World, kind: ChecksumKind):
    file = world.gateways.archive.file("corrupt.wav", content_type="audio/wav", properties={})
    sent, checksum = Payload.of(b"other bytes"), Checksum.of(Payload.of(b"bytes"), kind)
    with pytest.raises(DestinationError):
        await file.stage("00000-00000-00000000-" + "a" * 43, sent, checksum=checksum)
    with pytest.raises(DestinationError):
        await file.put(sent, checksum=checksum, sha256="0" * 64)
    assert await world.blobs() == {}


async def test_a_file_shorter_than_its_recorded_size_never_counts_as_archived(make_world: MakeWorld):
    """An incomplete commit whose check never ran must not count as the file of an earlier attempt."""
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=3 * MIB, format="wav")
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    kept = {"documentid": chunk.document_id, "sha256": made["chunks"][0]["sha256"], "size": str(3 * MIB)}
    await blob.upload_blob(b"RIFF" + b"\0" * MIB, metadata=kept)
    await world.writers.chunks.replace(chunk.evolve(attempts=1))
    await world.app.archiving.handle(job)
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "storage-conflict")
    assert (await world.source(made))["deletedAt"] is None


async def test_of_two_files_committed_under_one_name_the_first_stays_and_the_second_fails(world: World):
    one, two = (
        world.gateways.archive.file("twice.wav", content_type="audio/wav", properties={"documentid": document_id})
        for document_id in "ab"
    )
    for file, digit, data in ((one, "a", b"first"), (two, "b", b"other")):
        sent = Payload.of(data)
        await file.stage(f"00000-00000-00000000-{digit * 43}", sent, checksum=Checksum.of(sent, ChecksumKind.CRC64))
        if file is one:
            await file.commit([f"00000-00000-00000000-{digit * 43}"], size=5, sha256="1" * 64)
    with pytest.raises(DestinationConflict):
        await two.commit(["00000-00000000-" + "b" * 43], size=5, sha256="2" * 64)
    assert (await world.blobs())["twice.wav"] == b"first"
