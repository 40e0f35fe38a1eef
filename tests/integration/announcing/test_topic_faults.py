"""A topic that fails delays no delete, and gets its announcements later."""

import asyncio
import json
from datetime import timedelta

import pytest

from shared.contracts.jobs import ChunkJob
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from tests.integration.announcing.announced import ARCHIVED, COMPLETE, FAILED, LOST, announcements_of, rows_of, types_of
from tests.integration.world import MakeWorld, MovableClock, QuickClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("kind", ["serverError", "throttle", "unauthorized", "html", "reset"])
async def test_a_topic_that_is_down_delays_no_delete_and_the_sweep_announces_later(
    make_announcing: MakeWorld, kind: str
):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", kind, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.RELEASED
    assert chunk.outbox is not None
    assert await rows_of(world, made) == 1, "a pending announcement stays on the worklist"
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert await types_of(world, made) == [ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_the_delete_does_not_wait_for_a_topic_that_does_not_answer(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "delayAnswer", seconds=9, recordingId=made["recordingId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    async with asyncio.timeout(60):
        while (await world.source(made))["deletedAt"] is None:  # noqa: ASYNC110 - another process deletes it
            await asyncio.sleep(0.02)
    assert await types_of(world, made) == [], "the source is gone while the topic has not answered yet"
    working.cancel()  # other tests show what happens once the topic answers
    await asyncio.gather(working, return_exceptions=True)


async def test_a_failed_delete_and_a_failed_announcement_are_retried_independently(
    make_announcing: MakeWorld, caplog: pytest.LogCaptureFixture
):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.fault("delete", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.fault, chunk.reason) == (ChunkState.ARCHIVED, "source", "acs-unavailable")
    assert [text.partition(" {")[0] for text in caplog.messages if "reason" in text] == [
        "announcement failed",
        "source not deleted",
    ]
    assert "topic-unavailable" in caplog.text


async def test_a_chunk_is_released_although_its_announcement_can_t_be_built(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    of_a_later_version = '[{"state": "copying", "at": "2026-11-21T10:00:00Z", "attempts": 1}]'
    await world.writers.chunks.replace((await world.chunk(job)).evolve(outbox=of_a_later_version))
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["deletedAt"] is not None


async def test_no_requests_are_sent_for_a_moment_after_the_topic_failed_to_answer(make_announcing: MakeWorld):
    world = await make_announcing(clock=MovableClock())
    made, job = await world.announced(size=30_000, format="wav")
    other, next_job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "reset", recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(next_job)
    assert (await world.chunk(next_job)).state is ChunkState.RELEASED
    assert await types_of(world, other) == []


async def test_an_announcement_whose_answer_failed_is_sent_again_with_the_same_id(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", applied=True, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    clock.forward(minutes=6)
    await world.app.sweep.run()
    announced = await announcements_of(world, made)
    assert [one.type for one in announced] == [ARCHIVED, COMPLETE] * 2
    assert announced[:2] == announced[2:]


async def test_a_failure_that_could_not_be_announced_is_announced_even_after_the_chunk_is_safe(
    make_announcing: MakeWorld,
):
    clock = MovableClock()
    world = await make_announcing(clock=clock, MAX_ATTEMPTS=1)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await world.commands.replay(made["recordingId"], by="ada")
    clock.forward(minutes=1)
    await world.drained()
    assert await types_of(world, made) == [FAILED, ARCHIVED, COMPLETE]


async def test_an_announcement_is_retried_less_and_less_often_and_dropped_after_a_week(
    make_announcing: MakeWorld, caplog: pytest.LogCaptureFixture
):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", times=0, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    tries = 0
    for _ in range(24 * 3):
        clock.forward(minutes=20)
        tries += await world.app.sweep.run()
    assert tries <= 40, "every half hour at most"
    assert (await world.chunk(job)).outbox is not None
    clock.forward(days=7)
    await world.app.sweep.run()
    logged = [text.partition(" {")[0] for text in caplog.messages if "announce" in text]
    assert (logged[0], logged[-1]) == ("announcement failed", "announcement dropped")
    assert set(logged[4:-1]) == {"announcement overdue"}, "after an hour, an alert is raised"
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def chunks_to_announce(world: World, number: int) -> list[ChunkJob]:
    """Jobs of released chunks whose announcements are pending, because the topic was down."""
    await world.fault("announce", "serverError", times=0)
    jobs = [(await world.announced(size=2000, format="wav"))[1] for _ in range(number)]
    await world.drained()
    await world.acs("DELETE", "/faults")
    return jobs


async def count_pending(world: World, jobs: list[ChunkJob]) -> int:
    return sum([(await world.chunk(job)).outbox is not None for job in jobs])


async def test_a_topic_that_refuses_one_request_a_minute_delays_few_announcements(make_announcing: MakeWorld):
    clock = QuickClock()
    world = await make_announcing(clock=clock)
    jobs = await chunks_to_announce(world, 24)
    clock.forward(minutes=25)  # an announcement that is refused now waits another 25 minutes
    for _ in range(2):
        await world.fault("announce", "serverError", times=1)
        clock.forward(minutes=1)
        await world.app.sweep.run()
    assert await count_pending(world, jobs) <= 2, "only the announcement that the topic refused is still pending"
    await world.acs("DELETE", "/faults")
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert await count_pending(world, jobs) == 0


async def test_safe_chunks_that_wait_for_the_topic_neither_count_as_open_nor_hide_open_ones(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    jobs = await chunks_to_announce(world, 3)
    released = await world.chunk(jobs[0])
    for number in range(30):  # in one shard, each with a nearer deadline than the open chunk
        other = released.evolve(deadline=released.deadline - timedelta(minutes=number + 1))
        await world.writers.open_work.add(WorkItem.of_announcements(other, clock.now()))
    await world.fault("announce", "serverError", times=0)
    _, late = await world.announced(size=2000, format="wav")
    clock.forward(hours=20.1)
    health = json.loads((await world.commands.health()).body)
    assert health["oldestOpen"]["chunkKey"] == late.chunkKey
    assert {check["reason"] for check in health["checks"] if check["name"] == "deadline"} == {"late"}
    summary = json.loads((await world.queries.summary()).body)
    assert (summary["open"]["items"], summary["open"]["chunks"]) == (1, {"pending": 1})
    assert len(json.loads((await world.queries.recordings({"open": "true"}, None, by="ada")).body)["recordings"]) == 1
    await world.acs("DELETE", "/faults")


async def test_pending_announcements_stay_with_a_chunk_that_is_restarted(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=2000, format="wav")
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    await world.fault("announce", "serverError", times=0)
    await world.drained()
    clock.forward(hours=49)
    await world.app.sweep.run()
    assert (await world.chunk(job)).state is ChunkState.LOST
    await world.commands.replay(made["recordingId"], by="ada")
    clock.forward(minutes=2)
    await world.app.sweep.run()
    await world.acs("DELETE", "/faults")
    await world.drained()
    clock.forward(minutes=2)
    await world.app.sweep.run()
    assert await types_of(world, made) == [FAILED, LOST, ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_pending_announcements_are_dropped_if_the_topic_is_no_longer_configured(
    make_announcing: MakeWorld, make_world: MakeWorld
):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    clock = MovableClock()
    silent = await make_world(like=world, clock=clock, ANNOUNCE_TOPIC_ENDPOINT="", ANNOUNCE_TOPIC_KEY="")
    clock.forward(minutes=6)
    await silent.app.sweep.run()
    assert await rows_of(world, made) == 0
