"""Rows of the worklist. A bad row must not hide others, and a row that changed since it was read isn't removed."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest
from azure.data.tables import UpdateMode

from shared.contracts.jobs import ChunkJob
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable, LeaseLost, SourceUnavailable
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.tables.catalogue import Catalogue
from shared.recovery import sweep
from tests.integration.world import MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024


async def make_unreadable(world: World, job: ChunkJob) -> None:
    """Writes a state that this version doesn't know, as after a rollback from a newer version."""
    async with world.table(world.settings.recordings_table) as table:
        row = {"PartitionKey": job.recordingKey, "RowKey": f"chunk-{job.chunkKey}", "state": "verifying"}
        await table.update_entity(row, mode=UpdateMode.MERGE)


async def read_item(world: World, clock: MovableClock) -> WorkItem:
    (item,) = [item async for item in world.gateways.worklist.due(clock.now() + timedelta(days=3))]
    return item


def lines(caplog: pytest.LogCaptureFixture, text: str) -> list[logging.LogRecord]:
    return [one for one in caplog.records if one.getMessage().startswith(f"{text} {{")]


async def test_chunks_behind_an_unreadable_one_are_checked_and_the_unreadable_one_is_reported(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    jobs = sorted([(await world.announced(size=2 * KIB))[1] for _ in range(5)], key=lambda job: job.chunkKey)
    await world.dropped()
    await make_unreadable(world, jobs[0])
    clock.forward(minutes=6)
    with caplog.at_level(logging.INFO):
        await world.app.sweep.run()
        await world.app.sweep.run()
    (line,) = lines(caplog, "row unreadable")  # not in every run
    assert (line.levelno, line.__dict__["chunk_key"]) == (logging.ERROR, jobs[0].chunkKey)
    assert "verifying" in line.__dict__["detail"]
    assert [one.__dict__.get("unreadable") for one in lines(caplog, "sweep finished")] == [1, None]
    await world.drained()
    assert {(await world.chunk(job)).state for job in jobs[1:]} == {ChunkState.RELEASED}
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert len(lines(caplog, "row unreadable")) == 2


async def test_an_unforeseen_error_doesn_t_end_the_run(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object) -> str:
        raise AttributeError("'NoneType' object has no attribute 'lower'")

    monkeypatch.setattr(CallRecorder, "state", broken)
    for key in ("0" * 32, "f" * 32):  # the first and the last shard
        await world.writers.open_work.add(WorkItem.of_recording(key, "cmVjb3JkaW5n", clock.now()))
    _, job = await world.announced(size=2 * KIB)
    await world.dropped()
    clock.forward(minutes=6)
    with caplog.at_level(logging.INFO):
        assert await world.app.sweep.run() == 3
    assert len(lines(caplog, "check failed unexpectedly")) == 2
    assert [one.__dict__["failed"] for one in lines(caplog, "sweep finished")] == [2]
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert await world.app.sweep.run() == 0, "a row that fails each time doesn't come first in every run"


@pytest.mark.storage("memory", "azurite")
async def test_unreadable_worklist_rows_are_reported_everywhere_and_hide_no_others(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    made, job = await world.announced(size=2 * KIB)
    await world.dropped()
    item = await read_item(world, clock)
    bad = {"PartitionKey": item.shard, "dueAt": clock.now()}
    async with world.table(world.settings.worklist_table) as table:
        await table.create_entity({**bad, "RowKey": item.row.replace(item.row[:8], "20200101")})  # no recordingKey
        await table.create_entity({**bad, "RowKey": "review-of-a-newer-version", "recordingKey": "0" * 32})
    health = json.loads((await world.commands.health()).body)
    failing = {check["name"]: check for check in health["checks"] if not check["ok"]}
    assert {name: check["reason"] for name, check in failing.items()} == {"catalogue": "row-unreadable"}
    assert health["oldestOpen"]["chunkKey"] == job.chunkKey
    summary = json.loads((await world.queries.summary()).body)
    assert (summary["unreadable"], summary["open"]["chunks"]) == (2, {"pending": 1})
    assert [moment async for moment in world.gateways.worklist.deadlines()]
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert len(lines(caplog, "row unreadable")) == 2
    await world.drained()
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED


async def test_an_unreadable_chunk_fails_no_http_answer(world: World):
    made, job = await world.announced(size=2 * KIB, count=2)
    await world.drained()
    _, waiting = await world.announced(size=2 * KIB)
    await make_unreadable(world, waiting)
    await make_unreadable(world, job)
    health = json.loads((await world.commands.health()).body)
    (failing,) = [check for check in health["checks"] if not check["ok"]]
    assert (failing["name"], failing["reason"]) == ("catalogue", "row-unreadable")
    assert waiting.chunkKey in failing["detail"]
    answer = await world.queries.summary()
    assert (answer.status, json.loads(answer.body)["unreadable"]) == (200, 1)
    page = json.loads((await world.queries.recordings({}, None, by="ada")).body)["recordings"]
    shown = {one["recordingKey"]: (one["state"], one["chunks"]) for one in page}
    assert shown[job.recordingKey] == ("archiving", {"released": 1, "unreadable": 1})
    view = await world.commands.get(made["recordingId"])
    assert (view.status, json.loads(view.body)["state"]) == (200, "archiving")
    assert (await world.commands.archive(made["recordingId"], url="https://x/api", by="ada")).status == 202


async def test_the_job_of_an_unreadable_chunk_doesn_t_fail_and_doesn_t_become_poison(
    world: World, caplog: pytest.LogCaptureFixture
):
    _, job = await world.announced(size=2 * KIB)
    await make_unreadable(world, job)
    await world.app.archiving.handle(await world.take_job())
    assert len(lines(caplog, "row unreadable")) == 1
    await world.app.poison.keep(job.encode().encode())
    assert len(await world.quarantined()) == 1
    assert len(await world.worklist()) == 1, "the sweep keeps its row"


async def test_an_event_is_taken_in_even_if_a_chunk_of_its_recording_is_unreadable(world: World):
    made, job = await world.announced(size=2 * KIB)
    await make_unreadable(world, job)
    more = await world.document(size=2 * KIB, count=2, recordingId=made["recordingId"])
    chunks = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]
    more["event"]["data"]["recordingStorageInfo"]["recordingChunks"] += chunks
    await world.app.intake.receive(more["event"])
    assert (await world.chunk(world.job(more))).state is ChunkState.PENDING


async def test_a_row_in_the_old_format_is_checked_and_removed(world: World, clock: MovableClock):
    _, job = await world.announced(size=2 * KIB)
    item = await read_item(world, clock)
    former = replace(item, row=item.row.removesuffix(f"-{job.recordingKey}"))
    assert former.row != item.row
    await world.writers.open_work.remove(item)
    await world.writers.open_work.add(former)
    await world.dropped()
    clock.forward(minutes=6)
    assert [moment async for moment in world.gateways.worklist.deadlines()]
    assert json.loads((await world.commands.health()).body)["oldestOpen"]["chunkKey"] == job.chunkKey
    await world.app.sweep.run()
    assert [row["RowKey"] for row in await world.worklist()] == [item.row], "the row now has the new format"
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    await world.writers.open_work.add(former)
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert await world.worklist() == []


async def test_two_recordings_with_the_same_document_have_a_row_each(world: World, clock: MovableClock):
    _, job = await world.announced(size=2 * KIB)
    chunk = await world.chunk(job)
    other = chunk.evolve(recording_key="0" * 32)
    await world.writers.open_work.add(WorkItem.of_chunk(other, clock.now()))
    await world.app.archiving.handle(job)
    (row,) = await world.worklist()
    assert row["recordingKey"] == other.recording_key, "releasing one chunk removes only its own row"


async def test_a_row_that_was_changed_since_it_was_read_is_not_removed(world: World, clock: MovableClock):
    made, _ = await world.announced(size=2 * KIB)
    stale = await read_item(world, clock)
    chunk = await world.chunk(world.job(made))
    await world.writers.open_work.add(WorkItem.of_chunk(chunk, clock.now() + timedelta(minutes=1)))
    await world.writers.open_work.remove(stale)
    assert len(await world.worklist()) == 1
    await world.writers.open_work.remove(await read_item(world, clock))
    assert await world.worklist() == []


async def test_a_run_checks_a_bounded_number_of_rows_of_each_kind_oldest_deadline_first(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sweep, "_MOST", 3)
    jobs = []
    for _ in range(5):
        jobs.append((await world.announced(size=2 * KIB))[1])
        clock.forward(minutes=1)
    for number in range(2):
        await world.writers.open_work.add(WorkItem.of_recording(f"{number}" * 32, "cmVjb3JkaW5n", clock.now()))
    await world.dropped()
    clock.forward(minutes=6)
    assert await world.app.sweep.run() == 5, "three chunks; a backlog of chunks does not hide other kinds of rows"
    queued = [(await world.take_job()).chunkKey for _ in range(await world.queued())]
    assert sorted(queued) == sorted(job.chunkKey for job in jobs[:3])
    assert await world.app.sweep.run() == 2


@pytest.mark.storage("memory", "azurite")
async def test_due_rows_come_by_deadline_across_all_shards(world: World, clock: MovableClock):
    _, job = await world.announced(size=2 * KIB)
    chunk = await world.chunk(job)
    await world.writers.open_work.remove(await read_item(world, clock))
    deadlines = []
    for number in range(40):
        one = _other(chunk, number)
        deadlines.append(one.deadline)
        await world.writers.open_work.add(WorkItem.of_chunk(one, clock.now()))
    found = [item.row.partition("-")[0] async for item in world.gateways.worklist.due(clock.now())]
    assert found == [f"{deadline:%Y%m%dT%H%M%S.%f}" for deadline in sorted(deadlines)]


def _other(chunk: Chunk, number: int) -> Chunk:
    deadline = chunk.deadline + timedelta(minutes=(number * 7) % 40)
    return chunk.evolve(chunk_key=f"{number % 16:x}{number:031x}", deadline=deadline)


async def test_rows_whose_check_always_fails_don_t_stop_the_rows_behind_them(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
):
    """A run checks a bounded number of rows, oldest deadline first. Here it checks one."""
    monkeypatch.setattr(sweep, "_MOST", 1)
    monkeypatch.setattr(sweep, "_AT_ONCE", 1)
    _, first = await world.announced(size=2 * KIB)
    _, second = await world.announced(size=2 * KIB)
    await world.dropped()
    clock.forward(minutes=6)
    read = Catalogue.chunk

    async def failing(self: Catalogue, recording_key: str, chunk_key: str) -> Chunk | None:
        if chunk_key == first.chunkKey:
            raise DestinationUnavailable("the partition of this recording is away")
        return await read(self, recording_key, chunk_key)

    with monkeypatch.context() as broken:
        broken.setattr(Catalogue, "chunk", failing)
        for _ in range(3):
            await world.app.sweep.run()
    assert await world.queued() == 1, "the row behind the failing one was checked"
    assert await world.take_job() == second
    clock.forward(minutes=6)
    for _ in range(3):
        await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(first)).state is ChunkState.RELEASED, "the row that failed is checked again"


async def test_a_recording_is_checked_later_if_acs_can_t_be_reached(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
):
    asked = 0

    async def busy(*_: object) -> str:
        nonlocal asked
        asked += 1
        raise SourceUnavailable("ACS is busy")

    monkeypatch.setattr(CallRecorder, "state", busy)
    await world.writers.open_work.add(WorkItem.of_recording("0" * 32, "cmVjb3JkaW5n", clock.now()))
    for _ in range(10):
        await world.app.sweep.run()
        clock.forward(minutes=1)
    assert asked == 2


async def test_the_row_of_a_chunk_that_changed_meanwhile_is_not_postponed(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
):
    """The process that changed the chunk writes the row itself, so this isn't a failure."""
    _, job = await world.announced(size=2 * KIB)
    await world.dropped()
    clock.forward(minutes=6)
    with monkeypatch.context() as overtaken:
        lost = AsyncMock(side_effect=LeaseLost("another worker wrote this chunk in between"))
        overtaken.setattr(Catalogue, "chunk", lost)
        await world.app.sweep.run()
    await world.app.sweep.run()
    assert await world.take_job() == job
