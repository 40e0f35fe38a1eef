"""A chunk becomes lost only with proof, and a chunk that is complete in the archive never becomes lost or failed."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.jobs import ChunkJob
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture(loop_scope="session")
async def patient(make_world: MakeWorld, clock: MovableClock) -> World:
    """A world whose attempts are half an hour apart almost from the start: hours need only a few attempts."""
    made: World = await make_world(clock=clock, RETRY_BASE_SECONDS=600)
    return made


async def fails(
    world: World, made: dict[str, Any], operation: str = "download", status: int = 404, **more: Any
) -> None:
    document_id = made["chunks"][0]["documentId"]
    kind = {"kind": "error", "code": "x", "message": "x"} if status == 404 else {"kind": "serverError"}
    await world.fault(operation, **({"times": 0, "documentId": document_id, "status": status} | kind | more))


async def next_attempt(world: World, clock: MovableClock, job: ChunkJob) -> Chunk:
    """Makes the next attempt when it is due. Returns the chunk after it."""
    due = (await world.chunk(job)).next_attempt_at
    if due is not None:
        clock.forward(seconds=max((due - clock.now()).total_seconds(), 0))
    await world.app.archiving.handle(job)
    return await world.chunk(job)


async def attempts(world: World, clock: MovableClock, job: ChunkJob, *, until: timedelta) -> Chunk:
    """Makes all attempts that are due within a time, or until the chunk ends. Returns the chunk."""
    end = clock.now() + until
    chunk = await world.chunk(job)
    while chunk.state is ChunkState.PENDING and (chunk.next_attempt_at or clock.now()) <= end:
        chunk = await next_attempt(world, clock, job)
    return chunk


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


async def test_a_participant_id_with_a_lone_surrogate_does_not_stop_the_archiving(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """JSON strings may contain half of a surrogate pair, which UTF-8 can't encode."""
    _, job = await world.announced(size=20 * KIB, format="wav")
    source = world.app.archiving._copier._source  # noqa: SLF001 - the simulator never sends such an id
    real = source.read_whole

    async def odd(location: str, *, limit: int) -> bytes:
        body = json.loads(await real(location, limit=limit))
        return json.dumps({**body, "participants": [{"participantId": "8:acs:\ud800"}]}).encode()

    monkeypatch.setattr(source, "read_whole", odd)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_an_exception_in_the_participant_index_does_not_stop_the_archiving(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    _, job = await world.announced(size=20 * KIB, format="wav")

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.app.archiving._copier._participant_index, "add", broken)  # noqa: SLF001 - a defect of ours
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert [one for one in caplog.records if one.message.startswith("participants not indexed")]


async def test_a_file_that_can_t_be_proved_is_archived_as_unverified_on_the_last_attempt(
    make_world: MakeWorld, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    world = await make_world(clock=clock, MAX_ATTEMPTS=2)
    made, job = await world.announced(size=20 * KIB, format="mp3")
    await world.fault("download", "htmlBody", times=0, documentId=made["chunks"][0]["documentId"])
    assert (await next_attempt(world, clock, job)).state is ChunkState.PENDING
    chunk = await next_attempt(world, clock, job)
    await world.acs("DELETE", "/faults")
    assert (chunk.state, chunk.reason) == (ChunkState.ARCHIVED, "unverified-file")
    assert chunk.unverified
    assert str(chunk.blob_name).endswith(".unverified.mp3")
    assert chunk.metadata_sha256 == made["chunks"][0]["metadataSha256"]
    assert (await world.source(made))["deletedAt"] is None
    assert [one.levelno for one in caplog.records if one.message.startswith("source kept")] == [logging.ERROR]
    properties = await world.gateways.archive.find(str(chunk.blob_name))
    assert properties is not None
    assert properties.sha256 == chunk.sha256
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, str(chunk.blob_name))
    assert (await blob.get_blob_properties()).metadata["unverified"]
    await world.app.archiving.handle(job)
    assert await world.chunk(job) == chunk, "a repeated job changes nothing"


async def test_an_unverified_file_counts_before_a_chunk_fails(make_world: MakeWorld):
    """A worker that died stored it. While attempts are left, a proved file is better."""
    first = await make_world(MAX_ATTEMPTS=1)
    made, job = await first.announced(size=20 * KIB, format="mp3")
    document_id = made["chunks"][0]["documentId"]
    await first.fault("download", "htmlBody", times=0, documentId=document_id)
    await first.app.archiving.handle(job)
    await first.acs("DELETE", "/faults")
    stored = await first.chunk(job)
    assert stored.unverified is not None
    dead = stored.evolve(state=ChunkState.PENDING, attempts=0, blob_name=None, sha256=None, unverified=None)
    await first.writers.chunks.replace(dead)
    world = await make_world(like=first)
    await world.fault("download", "redirect", host="media.example.net", documentId=document_id)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason, chunk.blob_name) == (ChunkState.ARCHIVED, "unverified-file", stored.blob_name)
    assert (await world.source(made))["deletedAt"] is None


async def test_at_the_deadline_an_unproven_file_is_archived_although_attempts_are_left(
    world: World, clock: MovableClock
):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("download", "htmlBody", times=0, documentId=made["chunks"][0]["documentId"])
    clock.forward(hours=23, minutes=56)
    await world.app.archiving.handle(job)
    await world.acs("DELETE", "/faults")
    assert ((await world.chunk(job)).state, (await world.chunk(job)).attempts) == (ChunkState.ARCHIVED, 1)


async def test_an_event_without_metadata_or_delete_location_is_archived_with_a_reason(world: World):
    _, job = await world.announced(size=20 * KIB, format="wav")
    chunk = await world.chunk(job)
    await world.writers.chunks.replace(chunk.evolve(delete_location=None, metadata_location=None))
    await world.app.archiving.handle(job)
    archived = await world.chunk(job)
    assert (archived.state, archived.reason) == (ChunkState.ARCHIVED, "no-metadata-location")
    assert archived.sha256 is not None
    assert archived.metadata_blob_name is None
