"""A chunk becomes lost only with proof, and a chunk that is complete in the archive never becomes lost or failed."""

import pytest
import pytest_asyncio

from shared.domain.states import ChunkState
from tests.integration.archiving.attempts import HOUR, attempts, fails, next_attempt
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


KIB = 1024


@pytest_asyncio.fixture(loop_scope="session")
async def patient(make_world: MakeWorld, clock: MovableClock) -> World:
    """A world whose attempts are half an hour apart almost from the start: hours need only a few attempts."""
    made: World = await make_world(clock=clock, RETRY_BASE_SECONDS=600)
    return made


@pytest.mark.storage("memory", "azurite")
async def test_a_source_that_is_gone_is_lost_after_five_answers_over_four_hours(patient: World, clock: MovableClock):
    world = patient
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made)
    began = clock.now()
    chunk = await attempts(world, clock, job, until=3.9 * HOUR)
    assert (chunk.state, chunk.reason) == (ChunkState.PENDING, "source-gone")
    assert chunk.gone >= 5
    chunk = await attempts(world, clock, job, until=2 * HOUR)
    assert (chunk.state, chunk.reason) == (ChunkState.LOST, "source-gone")
    assert chunk.lost_at is not None
    assert chunk.lost_at >= began + 4 * HOUR
    await world.acs("DELETE", "/faults")


async def test_another_answer_in_between_resets_the_count(world: World, clock: MovableClock):
    made, job = await world.announced(size=20 * KIB, format="wav")
    for status in (404, 404, 503):
        await fails(world, made, status=status, times=1)
        chunk = await next_attempt(world, clock, job)
    assert (chunk.gone, chunk.gone_since) == (0, None)


async def test_a_404_after_other_failures_proves_nothing(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made, status=503, times=4)
    await fails(world, made, times=1)
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_answers_of_404_don_t_count_against_the_maximum_of_attempts(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, MAX_ATTEMPTS=2)
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made, times=4)
    for _ in range(4):
        assert (await next_attempt(world, clock, job)).state is ChunkState.PENDING
    assert (await next_attempt(world, clock, job)).state is ChunkState.RELEASED


@pytest.mark.parametrize("status", [429, 503])
async def test_after_the_deadline_a_failing_source_is_retried_until_its_longest_lifetime_ends(
    make_world: MakeWorld, clock: MovableClock, status: int
):
    world = await make_world(clock=clock, MAX_ATTEMPTS=200, RETRY_BASE_SECONDS=600)
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made, status=status)
    for hours in (0, 24.5, 12, 11):
        clock.forward(hours=hours)
        chunk = await next_attempt(world, clock, job)
        assert chunk.state is ChunkState.PENDING
        assert chunk.next_attempt_at is not None
        assert chunk.next_attempt_at <= clock.now() + 0.6 * HOUR, "half an hour, within 20 percent"
    await world.acs("DELETE", "/faults")
    assert (await next_attempt(world, clock, job)).state is ChunkState.RELEASED


async def test_an_event_that_comes_days_late_still_gets_attempts(world: World, clock: MovableClock):
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["eventTime"] = (clock.now() - 70 * HOUR).isoformat()
    await world.app.intake.receive(made["event"])
    job = world.job(made)
    await fails(world, made, status=503, times=3)
    for _ in range(3):
        assert (await next_attempt(world, clock, job)).state is ChunkState.PENDING
    assert (await next_attempt(world, clock, job)).state is ChunkState.RELEASED


async def test_one_error_page_is_not_archived_although_the_event_came_late(world: World, clock: MovableClock):
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["eventTime"] = (clock.now() - 30 * HOUR).isoformat()
    await world.app.intake.receive(made["event"])
    job = world.job(made)
    await world.fault("download", "htmlBody", times=1, documentId=made["chunks"][0]["documentId"])
    assert (await next_attempt(world, clock, job)).state is ChunkState.PENDING
    chunk = await next_attempt(world, clock, job)
    assert (chunk.state, chunk.unverified) == (ChunkState.RELEASED, None)


async def test_a_retry_that_is_due_in_hours_has_no_message_and_is_queued_by_the_sweep(
    make_world: MakeWorld, clock: MovableClock
):
    world = await make_world(clock=clock, RETRY_BASE_SECONDS=600)
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made, status=503, times=1)
    await world.app.archiving.handle(await world.take_job())
    assert await world.queued() == 0
    clock.forward(minutes=20)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_chunk_that_waits_for_its_retry_is_reported_in_time(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, RETRY_BASE_SECONDS=600)
    made, job = await world.announced(size=20 * KIB, format="wav")
    clock.forward(hours=22, minutes=58)
    await fails(world, made, status=503, times=1)
    await world.app.archiving.handle(await world.take_job())
    clock.forward(minutes=3)
    await world.app.sweep.run()
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.escalated) == (ChunkState.PENDING, 1), "an hour is left, and the retry is still due"
    assert await world.queued() == 0
    clock.forward(minutes=12)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_replayed_lost_chunk_stays_pending_until_its_job_ran(world: World, clock: MovableClock):
    made, job = await world.announced(size=20 * KIB)
    lost = await world.chunk(job)
    await world.writers.chunks.replace(lost.move(ChunkState.LOST, lost_at=lost.pending_at))
    await world.dropped()
    clock.forward(hours=60)
    await world.commands.replay(made["recordingId"], by="ada")
    for _ in range(3):
        clock.forward(minutes=6)
        await world.app.sweep.run()
        assert (await world.chunk(job)).state is ChunkState.PENDING, "its job is still in a long queue"
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_replay_resets_the_count_of_404_answers(patient: World, clock: MovableClock):
    world = patient
    made, job = await world.announced(size=20 * KIB)
    await fails(world, made)
    assert (await attempts(world, clock, job, until=6 * HOUR)).state is ChunkState.LOST
    await world.commands.replay(made["recordingId"], by="ada")
    chunk = await next_attempt(world, clock, job)
    assert (chunk.state, chunk.gone) == (ChunkState.PENDING, 1)
    await world.acs("DELETE", "/faults")
    assert (await next_attempt(world, clock, job)).state is ChunkState.RELEASED


async def test_metadata_that_are_gone_never_make_a_chunk_lost(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, MAX_ATTEMPTS=3)
    made, job = await world.announced(size=20 * KIB, format="wav")
    await fails(world, made, operation="metadata")
    chunk = await attempts(world, clock, job, until=9 * HOUR)
    assert (chunk.state, chunk.reason) == (ChunkState.FAILED, "metadata-missing")
    assert chunk.sha256 == made["chunks"][0]["sha256"]
    assert str(chunk.blob_name) in await world.blobs()
    await world.acs("DELETE", "/faults")


async def test_the_row_of_a_lost_chunk_names_its_archived_metadata(patient: World, clock: MovableClock):
    world = patient
    made, job = await world.announced(size=20 * KIB)
    await fails(world, made)
    waiting = await next_attempt(world, clock, job)
    assert waiting.state is ChunkState.PENDING
    assert list(await world.blobs()) == [waiting.metadata_blob_name]
    lost = await attempts(world, clock, job, until=6 * HOUR)
    assert (lost.state, lost.metadata_sha256) == (ChunkState.LOST, made["chunks"][0]["metadataSha256"])
    assert lost.blob_name is None
    await world.acs("DELETE", "/faults")
