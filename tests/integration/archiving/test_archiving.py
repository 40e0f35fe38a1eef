"""One chunk from claim to release, over real storage and a real TLS source: each test says what would be lost."""

import asyncio

import pytest

from shared.archiving.stored_files import name_of
from shared.contracts.jobs import ChunkJob
from shared.domain.states import ChunkState
from tests.integration.archiving.checks import KIB, MIB, check_released
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("media_format", ["wav", "mp3", "mp4"])
@pytest.mark.storage("memory", "azurite")
async def test_a_small_chunk_is_copied_with_its_metadata_recorded_and_its_source_deleted(
    world: World, media_format: str
):
    made, job = await world.announced(size=64 * KIB, format=media_format)
    await world.app.archiving.handle(job)
    await check_released(world, made)
    chunk = await world.chunk(job)
    assert chunk.blob_name is not None
    assert chunk.blob_name.endswith(f".{media_format}")
    assert chunk.pending_at <= chunk.copying_at <= chunk.archived_at <= chunk.released_at  # type: ignore[operator]


@pytest.mark.parametrize("size", [MIB, MIB + 1, 3 * MIB, 5 * MIB + 17])
async def test_a_chunk_of_many_blocks_is_copied_correctly_at_every_block_border(make_world: MakeWorld, size: int):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=size, format="wav")
    await world.app.archiving.handle(job)
    await check_released(world, made)


async def test_a_source_that_serves_no_ranges_is_copied_as_one_stream(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=4 * MIB + 5, format="mp4")
    await world.fault("download", "ignoreRange", times=0, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await check_released(world, made)


async def test_all_chunks_of_a_recording_are_archived(world: World):
    made, _ = await world.announced(size=20 * KIB, format="mp3", count=3)
    await world.drained()
    for number in range(3):
        await check_released(world, made, number)


async def test_a_format_that_the_event_omits_is_recognized_from_the_file(world: World):
    made = await world.document(size=20 * KIB, format="mp3", omitTypes=True)
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made))
    await check_released(world, made)
    assert str((await world.chunk(world.job(made))).blob_name).endswith(".mp3")


@pytest.mark.storage("memory", "azurite")
async def test_a_repeated_job_changes_nothing(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.app.archiving.handle(job)
    before, blobs = await world.chunk(job), await world.blobs()
    for _ in range(3):
        await world.app.archiving.handle(job)
    after = await world.chunk(job)
    assert (after, after.etag) == (before, before.etag)
    assert await world.blobs() == blobs
    assert (await world.source(made))["downloads"] == 1


async def test_delete_source_false_keeps_the_source_also_when_the_job_is_repeated(make_world: MakeWorld):
    world = await make_world(DELETE_SOURCE="false")
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    assert (await world.source(made))["deletedAt"] is None


async def test_a_file_of_another_format_than_announced_is_archived_in_its_real_format(world: World):
    """If it were refused, it would stay in ACS until ACS deletes it."""
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["data"]["recordingFormatType"] = "Mp4"
    await world.app.intake.receive(made["event"])
    await world.drained()
    await check_released(world, made)
    assert str((await world.chunk(world.job(made))).blob_name).endswith(".wav")


async def test_another_file_with_the_chunk_s_name_is_never_overwritten_and_the_source_is_kept(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, name).upload_blob(b"other")
    await world.app.archiving.handle(job)
    failed = await world.chunk(job)
    assert (failed.state, failed.fault, failed.reason) == (ChunkState.FAILED, "destination", "storage-conflict")
    assert (await world.blobs())[name] == b"other"
    assert (await world.source(made))["deletedAt"] is None


async def test_a_job_for_an_unknown_chunk_is_ignored(world: World):
    made = await world.document(size=20 * KIB, format="wav")
    await world.app.archiving.handle(world.job(made))
    assert await world.queued() == 0


async def test_the_source_is_deleted_after_archived_is_written_and_before_released_is_written(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "delayAnswer", seconds=1, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    while (await world.chunk(job)).state is not ChunkState.ARCHIVED:
        assert (await world.source(made))["deletedAt"] is None
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    await working
    await check_released(world, made)


async def test_a_chunk_whose_source_is_already_deleted_is_released(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "serverError", status=500, applied=True, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    await check_released(world, made)
    assert (await world.chunk(job)).reason is None


async def foreign_file(world: World, job: ChunkJob, ending: str) -> str:
    """Stores a foreign file under a name of the chunk."""
    name = name_of(await world.chunk(job), ending)
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, name).upload_blob(b"other")
    return name


@pytest.mark.parametrize("announced", ["Wav", None, "Mp4"])
async def test_a_foreign_file_of_another_format_does_not_stop_the_archiving(world: World, announced: str | None):
    """The name for the chunk's real format is free. The foreign file stays unchanged."""
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["data"]["recordingFormatType"] = announced
    await world.app.intake.receive(made["event"])
    job = world.job(made)
    foreign = await foreign_file(world, job, "mp4")
    await world.fault("download", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.attempts, chunk.blob_name) == (ChunkState.RELEASED, 2, name_of(chunk, "wav"))
    blobs = await world.blobs()
    assert blobs.pop(foreign) == b"other"
    assert set(blobs) == {chunk.blob_name, chunk.metadata_blob_name}


async def test_a_conflict_names_the_foreign_file_and_the_chunk_is_archived_once_it_is_moved(
    world: World,
):
    made, job = await world.announced(size=20 * KIB, format="wav")
    foreign = await foreign_file(world, job, "wav")
    await world.drained()
    for _ in range(2):  # the second attempt checks the archive first, and doesn't read the whole source
        failed = await world.chunk(job)
        assert (failed.state, failed.reason) == (ChunkState.FAILED, "storage-conflict")
        assert foreign in str(failed.detail)
        assert failed.blob_name is None
        await world.commands.replay(made["recordingId"], by="ada")
        await world.drained()
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, foreign).delete_blob()
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
