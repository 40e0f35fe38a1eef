"""The sweep retries chunks without progress and reports those that near their deadline. A test clock skips hours."""

import json
import logging
from typing import Any

import pytest

from shared.domain.failure import Failure
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationError, Fault
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


KIB = 1024


async def failed(world: World) -> tuple[dict[str, Any], Any]:
    """A failed chunk: its event announces another format than its media have."""
    made = await world.document(size=20 * KIB, format="wav")
    await world.fault("download", "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    job = world.job(made)
    assert (await world.chunk(job)).state is ChunkState.FAILED
    return made, job


async def test_a_chunk_with_a_recent_message_is_not_checked(world: World, caplog: pytest.LogCaptureFixture):
    await world.announced(size=20 * KIB)
    with caplog.at_level(logging.INFO):
        assert await world.app.sweep.run() == 0
    assert 'sweep finished {"action": "sweep", "due": 0}' in caplog.messages, "an alert fires if this line is missing"


async def test_a_sweep_that_can_t_read_the_worklist_fails_and_doesn_t_say_that_it_finished(
    world: World, caplog: pytest.LogCaptureFixture
):
    await world.app.clients.tables.delete_table(world.settings.worklist_table)
    with caplog.at_level(logging.INFO), pytest.raises(DestinationError):
        await world.app.sweep.run()
    assert "sweep finished" not in caplog.text


@pytest.mark.storage("memory", "azurite")
async def test_a_chunk_whose_retry_was_lost_is_queued_again_when_it_is_overdue(world: World, clock: MovableClock):
    made, job = await world.announced(size=20 * KIB)
    await world.fault("download", "serverError", status=500, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(await world.take_job())
    await world.dropped()
    clock.forward(minutes=6)
    assert await world.app.sweep.run() == 1
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_leased_chunk_is_not_changed(world: World, clock: MovableClock):
    _, job = await world.announced(size=20 * KIB)
    clock.forward(minutes=6)
    claimed = await world.app.archiving._claim(await world.chunk(job))  # noqa: SLF001 - a worker that is busy
    await world.dropped()
    assert await world.app.sweep.run() == 1
    assert (await world.chunk(job)) == claimed
    assert await world.queued() == 0


async def test_a_failed_chunk_is_retried_at_growing_intervals_while_its_source_may_exist(
    world: World, clock: MovableClock
):
    made, job = await failed(world)
    for number, minutes in enumerate((15, 30, 60)):
        clock.forward(minutes=minutes - 1)
        await world.app.sweep.run()
        assert (await world.chunk(job)).state is ChunkState.FAILED
        clock.forward(minutes=2)
        last = number == 2
        if not last:
            document_id = made["chunks"][0]["documentId"]
            await world.fault("download", "redirect", host="media.example.net", documentId=document_id)
        await world.app.sweep.run()
        await world.drained()
        assert (await world.chunk(job)).rescues == number + 1
        assert (await world.chunk(job)).state is (ChunkState.RELEASED if last else ChunkState.FAILED)


async def test_an_open_chunk_is_reported_with_a_rising_log_level_as_its_deadline_nears(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    _, job = await failed(world)
    heard = []
    for hours in (11.5, 0.6, 8, 0.2, 2.9):  # of 24 hours: 12.5, 11.9, 3.9, 3.7 and 0.8 hours are left
        clock.forward(hours=hours)
        caplog.clear()
        await world.fault("download", "redirect", host="media.example.net", times=0)
        await world.app.sweep.run()
        await world.drained()
        await world.acs("DELETE", "/faults")
        raised = [one for one in caplog.records if getattr(one, "action", "") == "escalate"]
        heard.append([(one.levelno, one.__dict__["threshold"]) for one in raised])
    assert heard == [[], [(logging.WARNING, 12)], [(logging.ERROR, 4)], [], [(logging.CRITICAL, 1)]]
    assert (await world.chunk(job)).escalated == 1


async def test_a_passed_deadline_is_reported_once_and_doesn_t_make_the_chunk_lost(
    make_world: MakeWorld, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    world = await make_world(clock=clock, MAX_ATTEMPTS=1)
    made = await world.document(size=20 * KIB)
    job, document_id = world.job(made), made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=500, times=0, documentId=document_id)
    await world.app.intake.receive(made["event"])
    await world.drained()
    clock.forward(hours=24, minutes=1)
    for _ in range(40):
        await world.app.sweep.run()
        await world.drained()
        assert (await world.chunk(job)).state in (ChunkState.FAILED, ChunkState.PENDING)
        clock.forward(minutes=31)
    passed = [one for one in caplog.records if one.getMessage().startswith("chunk past its deadline {")]
    assert [one.levelno for one in passed] == [logging.CRITICAL]
    assert (await world.chunk(job)).rescues >= 39, "it is tried every half hour"
    await world.acs("DELETE", "/faults")
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_after_its_deadline_a_chunk_that_only_a_person_can_help_is_retried_every_four_hours(
    world: World, clock: MovableClock
):
    made, job = await failed(world)
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    clock.forward(hours=24, minutes=1)
    for _ in range(30):
        await world.app.sweep.run()
        await world.drained()
        clock.forward(minutes=31)
    assert (await world.chunk(job)).state is ChunkState.FAILED
    assert (await world.chunk(job)).rescues == 6
    await world.acs("DELETE", "/faults")
    clock.forward(hours=4)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_chunk_whose_source_can_t_exist_any_longer_is_lost_with_a_critical_log_line(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    made, job = await failed(world)
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    for hours in (24.1, 23.8, 0.3):  # of 48 hours
        clock.forward(hours=hours)
        await world.app.sweep.run()
        await world.drained()
    await world.acs("DELETE", "/faults")
    lost = await world.chunk(job)
    assert (lost.state, lost.reason) == (ChunkState.LOST, "source-not-allowed")
    assert lost.lost_at is not None
    assert await world.worklist() == []
    (line,) = [one for one in caplog.records if one.__dict__.get("end") == "lost"]
    assert (line.levelno, line.__dict__["reason"]) == (logging.CRITICAL, "source-not-allowed")
    assert line.getMessage().startswith("chunk given up {")


async def test_a_source_that_still_exists_after_its_deadline_is_archived(world: World, clock: MovableClock):
    _, job = await failed(world)
    clock.forward(hours=24, minutes=1)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_chunk_replayed_after_its_deadline_stays_open_until_its_job_ran(world: World, clock: MovableClock):
    made, job = await failed(world)
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    for hours in (24.1, 24):
        clock.forward(hours=hours)
        await world.app.sweep.run()
        await world.drained()
    assert (await world.chunk(job)).state is ChunkState.LOST
    await world.acs("DELETE", "/faults")
    await world.commands.replay(made["recordingId"], by="ada")
    for _ in range(5):  # the job waits in a long queue
        clock.forward(minutes=31)
        await world.app.sweep.run()
        assert (await world.chunk(job)).state is ChunkState.PENDING
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_chunk_that_fails_again_after_a_replay_becomes_lost(world: World, clock: MovableClock):
    made, job = await failed(world)
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    clock.forward(hours=50)
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    for _ in range(4):
        clock.forward(minutes=31)
        await world.app.sweep.run()
        await world.drained()
    await world.acs("DELETE", "/faults")
    assert ((await world.chunk(job)).state, await world.worklist()) == (ChunkState.LOST, [])


async def test_a_chunk_whose_files_are_all_in_the_archive_is_never_lost(world: World, clock: MovableClock):
    made, job = await world.announced(size=20 * KIB)
    before = await world.chunk(job)
    await world.app.archiving.handle(await world.take_job())
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.RELEASED
    # An old row, as after a restore of the table from a backup. It doesn't show which files the archive has.
    await world.writers.chunks.replace(
        before.evolve(
            etag=chunk.etag,
            state=ChunkState.FAILED,
            failed_at=clock.now(),
            failure=Failure(fault=Fault.OURS, reason="unforeseen", detail="a defect"),
        )
    )
    await world.writers.open_work.add(WorkItem.of_chunk(before, clock.now()))
    clock.forward(hours=49)
    await world.app.sweep.run()
    found = await world.chunk(job)
    assert (found.state, found.blob_name, found.sha256) == (ChunkState.ARCHIVED, chunk.blob_name, chunk.sha256)
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert await world.worklist() == []
    assert (await world.source(made))["downloads"] == 1


async def test_a_chunk_with_archived_media_but_without_metadata_is_not_lost(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, MAX_ATTEMPTS=1)
    made, job = await world.announced(size=20 * KIB)
    document_id = made["chunks"][0]["documentId"]
    await world.fault("metadata", "error", status=404, code="x", message="x", times=0, documentId=document_id)
    await world.app.archiving.handle(await world.take_job())
    for hours in (24.1, 25):
        clock.forward(hours=hours)
        await world.app.sweep.run()
        while await world.queued():
            await world.app.archiving.handle(await world.take_job())
    await world.acs("DELETE", "/faults")
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "metadata-missing")
    assert await world.worklist() == []


@pytest.mark.storage("memory", "azurite")
async def test_a_row_without_open_work_is_removed(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, DELETE_SOURCE="false")
    made, _ = await world.announced(size=20 * KIB)
    await world.drained()
    assert await world.worklist() == []
    chunk = await world.chunk(world.job(made))
    await world.writers.open_work.add(WorkItem.of_chunk(chunk, clock.now()))
    clock.forward(minutes=1)
    await world.app.sweep.run()
    assert await world.worklist() == []


async def test_an_error_with_one_chunk_doesn_t_stop_the_sweep_of_the_others(world: World, clock: MovableClock):
    _, first = await world.announced(size=20 * KIB)
    _, second = await world.announced(size=20 * KIB)
    await world.dropped()
    table = world.table(world.settings.recordings_table)
    async with table:
        row = await table.get_entity(first.recordingKey, f"chunk-{first.chunkKey}")
        await table.delete_entity(row)
    clock.forward(minutes=6)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(second)).state is ChunkState.RELEASED


async def test_a_failed_chunk_whose_files_are_in_the_archive_is_not_shown_as_trouble(world: World, clock: MovableClock):
    """The entry in the trouble list stays, but a list only shows recordings that are still in trouble."""
    made, job = await world.announced(size=20 * KIB)
    before = await world.chunk(job)
    await world.app.archiving.handle(await world.take_job())
    chunk = await world.chunk(job)
    await world.writers.chunks.replace(
        before.evolve(
            etag=chunk.etag,
            state=ChunkState.FAILED,
            failed_at=clock.now(),
            failure=Failure(fault=Fault.OURS, reason="unforeseen", detail="a defect"),
        )
    )
    await world.writers.open_work.add(WorkItem.of_chunk(before, clock.now()))
    assert await troubled(world) == ([made["recordingId"]], [made["recordingId"]])
    clock.forward(hours=49)
    await world.app.sweep.run()
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    assert await troubled(world) == ([], [])


async def troubled(world: World) -> tuple[list[str], list[str]]:
    """The recordings in trouble, by the summary and by the list."""
    summary = json.loads((await world.queries.summary()).body)["trouble"]
    page = json.loads((await world.queries.recordings({"trouble": "true"}, participant=None, by="ada")).body)
    return tuple([one["recordingId"] for one in some["recordings"]] for some in (summary, page))  # type: ignore[return-value]
