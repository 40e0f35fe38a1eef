"""The summary shows all trouble, and its cost doesn't grow with the archive."""

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.keys import key_of
from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState, RecordingState
from shared.domain.tally import Tally
from shared.domain.work_item import WorkItem
from shared.gateways.tables.tallies import Tallies
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTHING = {"safe": 0, "size": 0, "failed": 0, "lost": 0, "meanSecondsToSafe": None, "longestSecondsToSafe": None}


async def summary(world: World) -> dict[str, Any]:
    answer = await world.queries.summary()
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store"), answer.body
    body: dict[str, Any] = json.loads(answer.body)
    return body


async def failed(world: World) -> dict[str, Any]:
    made = await world.document(size=20_000, format="wav")
    await world.fault("download", "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    return made


def figures(tally: dict[str, Any]) -> dict[str, Any]:
    return {name: tally[name] for name in NOTHING}


async def test_the_summary_of_an_empty_catalogue_has_nothing_open(world: World):
    found = await summary(world)
    assert found["open"] == {
        "items": 0, "complete": True, "examined": 0, "chunksLeftOut": 0, "chunks": {}, "recordings": {}, "waiting": [],
        "oldest": None,
    }  # fmt: skip
    assert (found["trouble"], found["unreadable"]) == ({"recordings": [], "more": False}, 0)
    assert figures(found["lastDay"]) == NOTHING
    assert [figures(bucket) for bucket in found["lastDay"]["buckets"]] == [NOTHING] * 96


@pytest.mark.storage("memory", "azurite")
async def test_the_summary_shows_open_work_trouble_with_reasons_and_chunks_that_became_safe(world: World):
    await world.announced(size=30_000, format="wav", count=2)
    await world.drained()
    wrong = await failed(world)
    waiting, _ = await world.announced(size=30_000, format="wav")
    running = Recording(recording_key=key_of("runs"), recording_id="cnVucw", control=RecordingState.ACTIVE)
    now = (await world.chunk(world.job(waiting))).pending_at
    await world.writers.recordings.merge(running)
    for made in (wrong, waiting):
        key, name = world.job(made).recordingKey, made["recordingId"]
        await world.writers.recordings.merge(Recording(recording_key=key, correlation=name, labels="case=4711"))
    await world.writers.open_work.add(WorkItem.of_recording(running.recording_key, "cnVucw", now))

    found = await summary(world)
    still_open = found["open"]
    assert (still_open["items"], still_open["complete"], still_open["examined"]) == (3, True, 3)
    assert still_open["chunks"] == {"failed": 1, "pending": 1}
    assert still_open["recordings"] == {"active": 1}
    first = min((wrong, waiting), key=lambda made: made["event"]["eventTime"])
    assert still_open["oldest"]["documentId"] == first["chunks"][0]["documentId"]
    named = (still_open["oldest"]["correlation"], still_open["oldest"]["labels"])
    assert named == (first["recordingId"], {"case": "4711"})
    assert still_open["oldest"]["startedAt"] is not None
    assert 23 * 3600 < still_open["oldest"]["secondsLeft"] <= 24 * 3600
    (troubled,) = found["trouble"]["recordings"]
    assert troubled["recordingId"] == wrong["recordingId"]
    assert [one["reason"] for one in troubled["trouble"]] == ["source-not-allowed"]
    last_day = found["lastDay"]
    assert (last_day["safe"], last_day["size"], last_day["failed"], last_day["lost"]) == (2, 60_000, 1, 0)
    assert 0 <= last_day["meanSecondsToSafe"] <= last_day["longestSecondsToSafe"] < 60
    assert sum(bar["chunks"] for bar in last_day["timeToSafe"]) == 2
    assert sum(bucket["safe"] for bucket in last_day["buckets"][-2:]) == 2  # a quarter of an hour may end in between


async def test_a_chunk_whose_source_is_gone_is_counted_as_lost(world: World, clock: MovableClock):
    made = await world.document(size=20_000, format="wav")
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    await world.app.intake.receive(made["event"])
    await world.drained()
    clock.forward(hours=49)
    await world.app.sweep.run()
    found = await summary(world)
    assert found["lastDay"]["lost"] == 1
    assert [one["chunks"] for one in found["trouble"]["recordings"]] == [{"lost": 1}]
    assert found["open"]["items"] == 0


async def test_counts_of_several_processes_are_added_and_leave_the_summary_after_a_day(
    make_world: MakeWorld, world: World, clock: MovableClock
):
    other = await make_world(like=world, clock=clock)
    for one in (world, other, world):
        await one.announced(size=30_000, format="wav")
        await one.drained()
    assert (await summary(world))["lastDay"]["safe"] == 3
    clock.forward(hours=6)
    await world.announced(size=30_000, format="wav")
    await world.drained()
    buckets = (await summary(world))["lastDay"]["buckets"]
    assert sum(bucket["safe"] for bucket in buckets) == 4
    assert sum(bucket["safe"] for bucket in buckets[-2:]) == 1
    clock.forward(hours=19)
    assert (await summary(world))["lastDay"]["safe"] == 1


async def test_a_count_that_could_not_be_written_is_part_of_the_next_write(
    world: World, caplog: pytest.LogCaptureFixture
):
    archived, tallies, name = await tallies_without_table(world)
    await tallies.count(archived)
    assert "tally not written" in caplog.text
    async with world.table(name) as table:
        await table.create_table()
    await tallies.count(archived)
    assert (await counted(tallies, archived)).safe == 2


async def test_a_count_is_stored_when_the_chunk_s_invocation_ends(world: World, make_world: MakeWorld):
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    assert (await counted(world.gateways.tallies, await world.chunk(world.job(made)))).safe == 1
    later = await make_world(like=world)  # another process, after this one has stopped
    assert (await summary(later))["lastDay"]["safe"] == 1


@pytest.mark.storage("azurite")
async def test_chunks_that_end_together_share_a_write(world: World, caplog: pytest.LogCaptureFixture):
    _, job = await world.announced(size=30_000, format="wav")
    await world.drained()
    archived = (await world.chunk(job)).evolve(state=ChunkState.ARCHIVED)
    tallies = Tallies(world.app.clients.tables, world.settings.calendar_table, RandomSource())
    caplog.clear()
    with caplog.at_level(logging.INFO, "azure.core.pipeline.policies.http_logging_policy"):
        await asyncio.gather(*(tallies.count(archived) for _ in range(20)))
    writes = [line for line in caplog.text.splitlines() if line.startswith("Request method: ")]
    assert len(writes) == 2, "one write for the first chunk, and one for all others"
    assert (await counted(tallies, archived)).safe == 21


async def tallies_without_table(world: World) -> tuple[Chunk, Tallies, str]:
    _, job = await world.announced(size=30_000, format="wav")
    await world.drained()
    name = f"{world.settings.calendar_table}later"
    chunk = await world.chunk(job)
    return chunk.evolve(state=ChunkState.ARCHIVED), Tallies(world.app.clients.tables, name, RandomSource()), name


async def counted(tallies: Tallies, chunk: Chunk) -> Tally:
    assert chunk.archived_at is not None
    first = chunk.archived_at - timedelta(minutes=15)
    return sum([tally async for _, tally in tallies.since(first)], Tally())


@pytest.mark.storage("memory", "azurite")
async def test_the_summary_says_so_if_too_much_is_open_to_count(world: World):
    _, job = await world.announced(size=30_000, format="wav")
    chunk = await world.chunk(job)
    item = WorkItem.of_chunk(chunk, chunk.deadline)
    async with world.table(world.settings.worklist_table) as table:
        row = dict(await table.get_entity(item.shard, item.row))
        rows = [row | {"PartitionKey": item.shard, "RowKey": f"{item.row}-{number:04d}"} for number in range(300)]
        for start in range(0, len(rows), 100):
            await table.submit_transaction([("create", one) for one in rows[start : start + 100]])
    found = (await summary(world))["open"]
    assert (found["items"], found["complete"], found["examined"], found["chunksLeftOut"]) == (250, False, 100, 150)
    assert found["chunks"] == {"pending": 100}


async def test_chunks_that_wait_after_a_failed_attempt_are_counted_by_reason(world: World):
    for kind, number in (("throttle", 2), ("html", 1)):
        for _ in range(number):
            made, job = await world.announced(size=20_000, format="wav")
            await world.fault("download", kind, documentId=made["chunks"][0]["documentId"])
            await world.app.archiving.handle(job)
    await world.announced(size=20_000, format="wav")  # waits for its first attempt: no failure
    waiting = (await summary(world))["open"]["waiting"]
    assert [(one["reason"], one["chunks"], one["fault"]) for one in waiting] == [
        ("acs-throttled", 2, "source"),
        ("acs-garbled", 1, "source"),
    ]
    assert all(one["detail"] for one in waiting)
