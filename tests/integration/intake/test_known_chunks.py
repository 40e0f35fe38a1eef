"""Only a corrected event says where a file is. If it were ignored as a repeat, the recording would be lost."""

import copy
import logging
import uuid
from typing import Any

import pytest

from shared.contracts.events.outcome import Outcome
from shared.contracts.jobs import ChunkJob
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
LOCATIONS = ("contentLocation", "metadataLocation", "deleteLocation")


def elsewhere(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The event with locations on a host that isn't ACS's."""
    changed = copy.deepcopy(event) | changes
    chunk = changed["data"]["recordingStorageInfo"]["recordingChunks"][0]
    for name in LOCATIONS:
        chunk[name] = f"{chunk[name].replace('asm.skype.com', 'example.com')}?sig=secret"
    return changed


def another(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return copy.deepcopy(event) | {"id": str(uuid.uuid4())} | changes


async def history(world: World, job: ChunkJob, action: str) -> list[dict[str, str]]:
    entries = await world.gateways.audit.history(job.recordingKey)
    return [dict(entry.details) for entry in entries if entry.action == action]


@pytest.mark.storage("memory", "azurite")
async def test_new_locations_restart_a_failed_chunk_and_it_is_archived(world: World):
    made = await world.document(size=20 * KIB)
    job = world.job(made)
    await world.app.intake.receive(elsewhere(made["event"]))
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.FAILED
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    (old,) = await history(world, job, "relocated")
    assert "example.com" in old["contentLocation"]
    assert "secret" not in str(old)


async def test_new_locations_replace_those_of_a_pending_chunk(world: World):
    made = await world.document(size=20 * KIB)
    job = world.job(made)
    await world.app.intake.receive(elsewhere(made["event"]))
    assert await world.app.intake.receive(another(made["event"])) is Outcome.QUEUED
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_new_locations_end_the_lease_of_a_worker_that_copies_from_the_old_ones(
    make_world: MakeWorld, clock: MovableClock
):
    world = await make_world(clock=clock)
    made = await world.document(size=20 * KIB)
    job = world.job(made)
    await world.app.intake.receive(elsewhere(made["event"]))
    waiting = await world.chunk(job)
    held = await world.writers.chunks.replace(
        waiting.move(
            ChunkState.COPYING,
            attempts=1,
            owner="worker",
            lease_until=clock.now() + world.settings.lease,
            copying_at=clock.now(),
        )
    )
    assert await world.app.intake.receive(another(made["event"])) is Outcome.QUEUED
    assert (await world.chunk(job)).owner is None
    with pytest.raises(Exception, match="another process"):
        await world.writers.chunks.replace(held.evolve(copied=1))
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_an_older_event_that_is_delivered_again_doesn_t_undo_a_correction(world: World):
    made = await world.document(size=20 * KIB)
    job, wrong = world.job(made), elsewhere(made["event"], id=str(uuid.uuid4()))
    await world.app.intake.receive(wrong)
    await world.app.intake.receive(made["event"])
    assert await world.app.intake.receive(wrong) is Outcome.UNCHANGED
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


@pytest.mark.storage("memory", "azurite")
async def test_the_write_is_repeated_after_another_process_wrote_the_chunk(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    made = await world.document(size=20 * KIB)
    job = world.job(made)
    await world.app.intake.receive(elsewhere(made["event"]))
    catalogue, tried = world.gateways.catalogue, 0

    async def overtaken(chunk: Chunk) -> Chunk:
        nonlocal tried
        tried += 1
        if tried == 1:
            await catalogue.replace((await world.chunk(job)).evolve(channel="another writer"))
        return await catalogue.replace(chunk)

    monkeypatch.setattr(world.app.intake._known._catalogue, "replace", overtaken)  # noqa: SLF001 - the moment between
    assert await world.app.intake.receive(another(made["event"])) is Outcome.QUEUED
    assert (await world.chunk(job)).content_location.startswith("https://storage.asm.skype.com/")
    assert tried == 2


async def test_a_safe_chunk_keeps_its_locations_and_others_are_reported_once(
    world: World, caplog: pytest.LogCaptureFixture
):
    made, job = await world.announced(size=20 * KIB)
    await world.drained()
    before = await world.chunk(job)
    assert before.state is ChunkState.RELEASED
    other = elsewhere(made["event"], id=str(uuid.uuid4()))
    for _ in range(2):
        assert await world.app.intake.receive(other) is Outcome.UNCHANGED
    assert await world.chunk(job) == before
    assert await world.queued() == 0
    assert len(await history(world, job, "reported differently")) == 1
    found = [record for record in caplog.records if "locations of an event not used" in record.getMessage()]
    assert [record.levelno for record in found] == [logging.WARNING] * 2
    assert "content_location" in found[0].getMessage()
    assert "secret" not in caplog.text


@pytest.mark.parametrize("state", [ChunkState.FAILED, ChunkState.LOST])
async def test_another_event_restarts_a_failed_or_lost_chunk(
    make_world: MakeWorld, clock: MovableClock, state: ChunkState
):
    world = await make_world(clock=clock)
    made, job = await world.announced(size=20 * KIB)
    await world.dropped()
    waiting = await world.chunk(job)
    ended = {f"{state}_at": clock.now()}
    await world.writers.chunks.replace(waiting.move(state, **ended).evolve(attempts=7, gone=5, rescues=3))
    clock.forward(hours=3)
    assert await world.app.intake.receive(made["event"]) is Outcome.UNCHANGED, "the same event says nothing new"
    again = another(made["event"], eventTime=clock.now().isoformat())
    assert await world.app.intake.receive(again) is Outcome.QUEUED
    restarted = await world.chunk(job)
    assert (restarted.state, restarted.attempts, restarted.gone, restarted.rescues) == (ChunkState.PENDING, 0, 0, 0)
    assert (restarted.event_id, restarted.deadline - waiting.deadline >= restarted.event_time - waiting.event_time) == (
        again["id"],
        True,
    )
    assert restarted.deadline == restarted.event_time + world.settings.retention
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_repeated_event_doesn_t_change_a_chunk_that_is_being_copied(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock)
    made, job = await world.announced(size=20 * KIB)
    await world.dropped()
    waiting = await world.chunk(job)
    tried = await world.writers.chunks.replace(waiting.evolve(attempts=2, next_attempt_at=clock.now()))
    for event in (made["event"], another(made["event"])):
        assert await world.app.intake.receive(event) is Outcome.UNCHANGED
    assert await world.chunk(job) == tried
    assert await world.queued() == 0


async def test_an_event_without_a_location_doesn_t_remove_the_location(world: World):
    made, job = await world.announced(size=20 * KIB)
    before = await world.chunk(job)
    later = another(made["event"])
    del later["data"]["recordingStorageInfo"]["recordingChunks"][0]["deleteLocation"]
    await world.app.intake.receive(later)
    assert (await world.chunk(job)).delete_location == before.delete_location


async def test_a_later_event_doesn_t_change_a_recording_and_the_difference_is_reported(
    world: World, caplog: pytest.LogCaptureFixture
):
    made, job = await world.announced(size=20 * KIB)
    before = await world.gateways.catalogue.ledger(job.recordingKey)
    assert before is not None
    later = another(made["event"])
    later["data"] |= {"recordingDurationMs": 1, "sessionEndReason": "Other", "recordingFormatType": "wav"}
    await world.app.intake.receive(later)
    after = await world.gateways.catalogue.ledger(job.recordingKey)
    assert after == before
    (found,) = [record for record in caplog.records if "event contradicts the catalogue" in record.getMessage()]
    assert "duration_ms" in found.getMessage()


async def test_a_later_event_adds_unknown_fields_of_a_recording(world: World):
    made = await world.document(size=20 * KIB)
    first = copy.deepcopy(made["event"])
    first["data"]["recordingDurationMs"] = None
    await world.app.intake.receive(first)
    await world.app.intake.receive(another(made["event"]))
    recording = await world.gateways.catalogue.ledger(world.job(made).recordingKey)
    assert recording is not None
    assert recording.duration_ms == made["event"]["data"]["recordingDurationMs"]


async def removed(world: World, job: ChunkJob) -> Chunk:
    """Someone deletes the media file, and a read finds it missing."""
    chunk = await world.chunk(job)
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await container.delete_blob(chunk.blob_name)
    await world.commands.archive(chunk.recording_id, url="https://x/archive", by="ada")
    return await world.chunk(job)


async def test_a_chunk_whose_file_was_removed_is_copied_again_when_another_event_announces_it(
    make_world: MakeWorld, clock: MovableClock
):
    """After the deadline a read doesn't copy the file again, but a new event shows that ACS has it."""
    world = await make_world(clock=clock, DELETE_SOURCE="false")
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.drained()
    before = await world.chunk(job)
    clock.forward(hours=25)
    assert (await removed(world, job)).state is ChunkState.REMOVED
    assert await world.app.intake.receive(made["event"]) is Outcome.UNCHANGED, "the same event says nothing new"
    assert await world.app.intake.receive(another(made["event"])) is Outcome.QUEUED
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.missing, waiting.removed_at) == (ChunkState.PENDING, None, None)
    await world.drained()
    after = await world.chunk(job)
    assert (after.state, after.sha256, after.missing) == (ChunkState.ARCHIVED, before.sha256, None)
    assert set(await world.blobs()) == {after.blob_name, after.metadata_blob_name}


async def test_a_removed_chunk_is_copied_from_the_new_location_of_another_event(
    make_world: MakeWorld, clock: MovableClock
):
    world = await make_world(clock=clock, DELETE_SOURCE="false")
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.drained()
    clock.forward(hours=25)
    assert (await removed(world, job)).state is ChunkState.REMOVED
    event = another(made["event"])
    chunk = event["data"]["recordingStorageInfo"]["recordingChunks"][0]
    chunk["contentLocation"] += "?again"
    assert await world.app.intake.receive(event) is Outcome.QUEUED
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED


async def test_an_expired_chunk_stays_expired_when_another_event_announces_it(
    make_world: MakeWorld, clock: MovableClock
):
    """The archive's lifecycle rule deleted the file on purpose, so a late event must not restore it."""
    world = await make_world(clock=clock, DELETE_SOURCE="false", ARCHIVE_DELETE_AFTER_DAYS=1)
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.drained()
    clock.forward(hours=25)
    assert (await removed(world, job)).state is ChunkState.EXPIRED
    assert await world.app.intake.receive(another(made["event"])) is Outcome.UNCHANGED
    assert (await world.chunk(job)).state is ChunkState.EXPIRED
