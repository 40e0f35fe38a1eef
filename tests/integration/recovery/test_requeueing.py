"""A lost message is sent again, and a message that still waits in a long queue isn't."""

import base64
import itertools
import json
import logging
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from azure.storage.queue import QueueMessage

from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable
from tests.integration.world import MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024


async def row(world: World) -> dict[str, Any]:
    (found,) = await world.worklist()
    return found


async def test_chunks_whose_messages_wait_in_a_long_queue_are_not_queued_again(world: World, clock: MovableClock):
    jobs = [(await world.announced(size=2 * KIB))[1] for _ in range(5)]
    for _ in range(10):
        clock.forward(minutes=6)
        await world.app.sweep.run()
    assert await world.queued() == 5
    await world.drained()
    assert {(await world.chunk(job)).state for job in jobs} == {ChunkState.RELEASED}


async def test_a_chunk_without_attempts_is_queued_again_at_growing_intervals(world: World, clock: MovableClock):
    await world.announced(size=2 * KIB)
    await world.dropped()
    grace, minutes = world.settings.sweep_grace, 180
    began, sent = clock.now(), []
    for _ in range(minutes):
        clock.forward(minutes=1)
        await world.app.sweep.run()
        if await world.dropped():
            sent.append(clock.now() - began)
    pauses = [after - before for before, after in zip([timedelta(), *sent], sent, strict=False)]
    assert abs(pauses[0] - grace) <= timedelta(minutes=2)
    assert all(later >= earlier - timedelta(minutes=1) for earlier, later in itertools.pairwise(pauses))
    assert max(pauses) <= timedelta(minutes=32)
    assert len(sent) <= 12


async def test_a_chunk_that_made_progress_starts_with_the_shortest_interval(world: World, clock: MovableClock):
    made, job = await world.announced(size=2 * KIB)
    await world.dropped()
    for _ in range(3):
        clock.forward(minutes=31)
        await world.app.sweep.run()
        await world.dropped()
    assert (await row(world))["requeues"] == 3
    await world.fault("download", "serverError", status=500, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await world.dropped()
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert (await row(world))["requeues"] == 1


async def test_a_retry_that_the_pipeline_left_to_the_sweep_is_queued_when_it_is_due(world: World, clock: MovableClock):
    _, job = await world.announced(size=2 * KIB)
    await world.dropped()
    _, other = await world.announced(size=2 * KIB)  # the oldest message on the queue
    later = clock.now() + timedelta(minutes=20)
    waiting = await world.writers.chunks.replace((await world.chunk(job)).evolve(next_attempt_at=later))
    await world.writers.open_work.add(WorkItem.of_chunk(waiting, later))
    await world.writers.open_work.remove(WorkItem.of_chunk(await world.chunk(other), later))
    clock.forward(minutes=19)
    await world.app.sweep.run()
    assert await world.queued() == 1, "it isn't due"
    clock.forward(minutes=1, seconds=1)
    await world.app.sweep.run()
    assert await world.queued() == 2, "it has no message that could wait on the queue"


async def test_a_distant_retry_whose_row_could_not_be_written_is_queued_too(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
):
    made, job = await world.announced(size=2 * KIB)
    await world.dropped()
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=503, retryAfter=1200, documentId=document_id)
    with monkeypatch.context() as broken:
        failing = AsyncMock(side_effect=DestinationUnavailable("storage is away"))
        broken.setattr(type(world.gateways.worklist), "add", failing)
        with pytest.raises(DestinationUnavailable):
            await world.app.archiving.handle(job)
    await world.app.archiving.handle(job)  # the message is delivered again too early and does nothing
    assert await world.queued() == 0
    for _ in range(25):
        clock.forward(minutes=1)
        await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_retry_that_isn_t_due_is_checked_when_it_is_due(world: World, clock: MovableClock):
    _, job = await world.announced(size=2 * KIB)
    await world.dropped()
    later = clock.now() + timedelta(minutes=20)
    await world.writers.chunks.replace((await world.chunk(job)).evolve(next_attempt_at=later))
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert await world.queued() == 0
    assert (await row(world))["dueAt"] == later


@pytest.mark.storage("memory", "azurite")
async def test_messages_on_the_poison_queue_are_reported_by_each_sweep_and_by_health(
    world: World, caplog: pytest.LogCaptureFixture
):
    await world.app.sweep.run()
    assert "poison" not in caplog.text
    async with world.queue(world.settings.poison_queue) as queue:
        await queue.send_message("what no function was given")
        await world.app.sweep.run()
        (line,) = [one for one in caplog.records if one.getMessage().startswith("poison messages waiting {")]
        assert (line.levelno, line.__dict__["messages"]) == (logging.ERROR, 1)
        (failing,) = [check for check in (await health(world))["checks"] if not check["ok"]]
        assert (failing["name"], failing["reason"]) == ("poison", "poison-messages")
        assert failing["detail"].startswith("1 messages")
        await queue.delete_queue()
    caplog.clear()
    await world.app.sweep.run()
    assert "poison" not in caplog.text, "the host creates the queue on first use"
    assert (await health(world))["status"] == "ok"


async def health(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await world.commands.health()).body)
    return found


async def send_raw(world: World, body: str) -> None:
    async with world.queue(world.settings.chunks_queue) as queue:
        await queue.send_message(base64.b64encode(body.encode()).decode())


async def peeked(world: World) -> list[QueueMessage]:
    async with world.queue(world.settings.chunks_queue) as queue:
        return list(await queue.peek_messages(max_messages=32))


@pytest.mark.storage("memory", "azurite")
async def test_a_message_whose_delay_has_ended_doesn_t_count_as_a_backlog(world: World, clock: MovableClock):
    """The message was inserted together with the lost one, but waits only since its delay ended."""
    _, lost = await world.announced(size=2 * KIB)
    _, other = await world.announced(size=2 * KIB)
    await world.dropped()
    await world.writers.open_work.remove(WorkItem.of_chunk(await world.chunk(other), clock.now()))
    await send_raw(world, other.delayed(240).encode())  # a message that was hidden for four minutes
    clock.forward(minutes=4)
    await world.app.sweep.run()
    assert {(await world.take_job()).chunkKey for _ in range(await world.queued())} == {other.chunkKey, lost.chunkKey}


async def test_a_delayed_message_counts_from_the_end_of_its_delay(world: World):
    _, job = await world.announced(size=2 * KIB)
    await world.dropped()
    await world.gateways.jobs.send(job, delay=0.5)
    assert await world.gateways.jobs.head() is None
    while not (messages := await peeked(world)):
        pass
    assert await world.gateways.jobs.head() == messages[0].inserted_on + timedelta(seconds=1)


async def test_a_message_that_the_host_repeats_doesn_t_count_as_a_backlog(world: World):
    """The host repeats a failed message. A peek shows when it was inserted, not when it became visible again."""
    _, job = await world.announced(size=2 * KIB)
    await world.dropped()
    await send_raw(world, job.delayed(1000).encode())
    async with world.queue(world.settings.chunks_queue) as queue:
        await queue.receive_message(visibility_timeout=1)
        await send_raw(world, job.delayed(2000).encode())
        while len(messages := await peeked(world)) < 2:
            pass
    (untaken,) = [message for message in messages if not message.dequeue_count]
    assert await world.gateways.jobs.head() == untaken.inserted_on + timedelta(seconds=2000)


async def test_a_message_that_is_not_a_job_counts_from_its_insertion(world: World):
    await send_raw(world, "no job")
    (message,) = await peeked(world)
    assert await world.gateways.jobs.head() == message.inserted_on
