"""Files that an earlier attempt archived are found, and are not copied again."""

from typing import Any

import pytest

from shared.contracts.jobs import ChunkJob
from shared.domain.states import ChunkState
from tests.integration.archiving.attempts import fails
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


KIB = 1024


async def test_media_that_a_failed_attempt_stored_are_recorded_and_not_copied_again(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made, operation="metadata", status=503, times=2)
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.sha256) == (ChunkState.PENDING, made["chunks"][0]["sha256"])
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["downloads"] == 1


async def died_before_it_wrote_archived(world: World) -> tuple[dict[str, Any], ChunkJob]:
    """The chunk of a worker that died between storing the second file and writing `archived`."""
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.take_job()
    await world.fault("delete", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    done = await world.chunk(job)
    assert done.state is ChunkState.ARCHIVED
    unknown = dict.fromkeys(("blob_name", "size", "sha256", "metadata_blob_name", "metadata_size", "metadata_sha256"))
    dead = done.evolve(
        state=ChunkState.COPYING,
        owner="a worker",
        lease_until=done.copying_at,
        archived_at=None,
        next_attempt_at=None,
        failure=None,
        **unknown,  # type: ignore[arg-type]
    )
    await world.writers.chunks.replace(dead)
    await world.dropped()
    return made, job


async def test_a_chunk_that_is_complete_in_the_archive_never_runs_out_of_attempts(make_world: MakeWorld):
    world = await make_world(MAX_ATTEMPTS=1)
    made, job = await died_before_it_wrote_archived(world)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["downloads"] == 1


async def test_a_chunk_whose_source_is_gone_and_whose_files_are_complete_is_archived(world: World):
    made, job = await died_before_it_wrote_archived(world)
    await world.acs("POST", f"/documents/{made['chunks'][0]['documentId']}/expire")
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED


@pytest.mark.parametrize("state", [ChunkState.FAILED, ChunkState.LOST])
async def test_a_replay_finds_the_archived_files_and_doesn_t_copy_them_again(world: World, state: ChunkState):
    made, job = await died_before_it_wrote_archived(world)
    dead = await world.chunk(job)
    ended = dead.move(state, owner=None, lease_until=None, **{f"{state}_at": dead.pending_at})
    await world.writers.chunks.replace(ended)
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["downloads"] == 1


async def test_a_new_row_whose_source_is_gone_finds_files_that_were_archived_before(make_world: MakeWorld):
    """For example if the catalogue was lost and the event came again."""
    first = await make_world()
    made, job = await first.announced(size=20 * KIB, format="wav")
    await first.app.archiving.handle(job)
    second = await make_world(ARCHIVE_CONTAINER=first.settings.archive_container)
    await second.app.intake.receive(made["event"])
    await second.app.archiving.handle(job)
    chunk = await second.chunk(job)
    assert (chunk.state, chunk.attempts) == (ChunkState.RELEASED, 1)
    assert (chunk.sha256, chunk.metadata_sha256) == (made["chunks"][0]["sha256"], made["chunks"][0]["metadataSha256"])


async def test_media_are_archived_although_the_metadata_file_conflicts(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    chunk = await world.chunk(job)
    stem = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}"
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await container.upload_blob(f"{stem}.metadata.json", b"{}")
    await world.app.archiving.handle(job)
    failed = await world.chunk(job)
    assert (failed.state, failed.reason) == (ChunkState.FAILED, "storage-conflict")
    assert (failed.blob_name, failed.sha256) == (f"{stem}.wav", made["chunks"][0]["sha256"])
    assert (await world.source(made))["deletedAt"] is None
