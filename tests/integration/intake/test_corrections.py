"""After a corrected event the archive has the right media, whatever an earlier event's locations had served."""

import copy
import uuid
from typing import Any

import pytest

from shared.contracts.events.outcome import Outcome
from shared.contracts.jobs import ChunkJob
from shared.domain.states import ChunkState
from tests.integration.archiving.checks import check_released
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
NAMELESS = "https://storage.asm.skype.com/v1/files/first"


async def two_documents(world: World, *, content: str | None = None) -> tuple[dict[str, Any], dict[str, Any], ChunkJob]:
    """The right event, a wrong event, and the second chunk's job.

    In the wrong event, the second chunk has the first chunk's content location, or `content`.
    """
    made = await world.document(size=20 * KIB, format="wav", count=2)
    wrong = copy.deepcopy(made["event"]) | {"id": str(uuid.uuid4())}
    one, two = wrong["data"]["recordingStorageInfo"]["recordingChunks"]
    two["contentLocation"] = content or one["contentLocation"]
    return made, wrong, world.job(made, 1)


@pytest.mark.storage("memory", "azurite")
async def test_a_corrected_event_replaces_media_that_were_archived_from_another_document(world: World):
    made, wrong, job = await two_documents(world)
    await world.app.intake.receive(wrong)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason) == (ChunkState.ARCHIVED, "locations-differ")
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    await world.app.archiving.handle(job)
    await check_released(world, made, 1)


@pytest.mark.parametrize("named", [True, False])
async def test_a_corrected_event_adds_the_metadata_of_a_chunk_that_was_archived_without(world: World, named: bool):
    made = await world.document(size=20 * KIB, format="wav", count=2)
    wrong = copy.deepcopy(made["event"]) | {"id": str(uuid.uuid4())}
    one, two = wrong["data"]["recordingStorageInfo"]["recordingChunks"]
    two["metadataLocation"] = one["metadataLocation"] if named else None
    job = world.job(made, 1)
    await world.app.intake.receive(wrong)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.metadata_blob_name) == (ChunkState.ARCHIVED, None)
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    await world.app.archiving.handle(job)
    await check_released(world, made, 1)
    assert (await world.source(made, 1))["downloads"] == 1


async def test_the_last_attempt_reads_the_source_even_if_the_archive_has_unverified_media(
    make_world: MakeWorld, clock: MovableClock
):
    world = await make_world(clock=clock)
    made, wrong, job = await two_documents(world)
    await world.fault("metadata", "serverError", status=503, documentId=made["chunks"][1]["documentId"])
    await world.app.intake.receive(wrong)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).unverified is not None
    clock.forward(hours=25)
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    await world.app.archiving.handle(job)
    await check_released(world, made, 1)


async def test_media_from_a_location_without_document_id_don_t_count_as_media_of_a_corrected_event(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Otherwise the source would be deleted although the archive has other bytes."""
    made, wrong, job = await two_documents(world, content=NAMELESS)
    other = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"][0]["contentLocation"]
    source = world.app.archiving._copier._source  # noqa: SLF001 - a location that the simulator doesn't serve
    read = source.read

    async def served(location: str, *, start: int, length: int) -> Any:
        return await read(other if location == NAMELESS else location, start=start, length=length)

    monkeypatch.setattr(source, "read", served)
    await world.fault("metadata", "serverError", status=503, documentId=made["chunks"][1]["documentId"])
    await world.app.intake.receive(wrong)
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.sha256) == (ChunkState.PENDING, made["chunks"][0]["sha256"])
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.sha256 != made["chunks"][0]["sha256"]
    assert (chunk.state, chunk.reason) == (ChunkState.FAILED, "storage-conflict")
    assert (await world.source(made, 1))["deletedAt"] is None


async def test_a_correction_during_the_archiving_of_a_chunk_keeps_the_chunk_s_worklist_row(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Archiving removes the row, but meanwhile the correction restarted the chunk, whose new job may be lost."""
    made, wrong, job = await two_documents(world)
    await world.app.intake.receive(wrong)
    release = world.app.archiving._release  # noqa: SLF001 - between archived and the end
    announce = release._announcing.announce  # noqa: SLF001
    outcomes: list[Outcome] = []

    async def late(chunk: Any) -> Any:
        if not outcomes:
            outcomes.append(await world.app.intake.receive(made["event"]))
        return await announce(chunk)

    monkeypatch.setattr(release._announcing, "announce", late)  # noqa: SLF001
    await world.app.archiving.handle(job)
    assert outcomes == [Outcome.QUEUED]
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.PENDING
    due = world.gateways.worklist.due(chunk.deadline)
    assert job.chunkKey in [item.chunk_key async for item in due]
