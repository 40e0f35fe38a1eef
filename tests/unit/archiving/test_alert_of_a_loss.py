"""A lost chunk raises its alert, whichever process dies, and usually only once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from local.memory.host import Crash
from local.memory.storage.account import Operation, Turn, apply_at_once
from shared.domain.states import ChunkState
from tests.unit.runs import RECORDING, SMALL, Run

(NAME,) = SMALL


async def about_to_be_lost() -> Run:
    """A chunk whose source is gone, before the attempt that proves it."""
    run = await Run.prepared(SMALL)
    world = run.world
    world.acs.documents[0].is_deleted = True
    await world.host.round()
    waiting = await world.chunk(RECORDING, NAME)
    gone_since = world.clock.now() - timedelta(hours=5)
    await world.writers.chunks.replace(waiting.evolve(gone=4, gone_since=gone_since))
    return run


def alerts(caplog: pytest.LogCaptureFixture) -> int:
    return caplog.text.count('chunk given up {"action": "end", "end": "lost"')


def once_lost(run: Run, then: Callable[[], Awaitable[None]]) -> Turn:
    """Does something once, as soon as the row of the chunk says `lost`."""
    done = False

    async def turn[T](operation: Operation, apply: Callable[[], T], /) -> T:
        nonlocal done
        result = await apply_at_once(operation, apply)
        rows = run.world.rows(run.world.settings.recordings_table).values()
        if not done and any(row.entity.get("state") == "lost" for row in rows):
            done = True
            await then()
        return result

    return turn


async def test_a_lost_chunk_raises_one_alert_and_leaves_the_worklist_at_once(caplog: pytest.LogCaptureFixture):
    run = await about_to_be_lost()
    await run.world.run(rounds=3)
    assert (await run.world.chunk(RECORDING, NAME)).state is ChunkState.LOST
    for _ in range(5):
        await run.world.host.round()
    assert alerts(caplog) == 1


async def test_a_chunk_whose_worker_dies_before_the_alert_is_reported_by_the_sweep(caplog: pytest.LogCaptureFixture):
    run = await about_to_be_lost()

    async def die() -> None:
        raise Crash

    run.world.host.restart(once_lost(run, die))
    for _ in range(10):
        await run.world.host.round()
    assert run.world.host.crashes == 1
    assert (await run.world.chunk(RECORDING, NAME)).state is ChunkState.LOST
    assert alerts(caplog) == 1
    assert run.world.rows(run.world.settings.worklist_table) == {}


async def test_a_replay_before_the_row_is_removed_keeps_the_chunk_on_the_worklist():
    run = await about_to_be_lost()
    world = run.world

    async def replay() -> None:
        world.acs.documents[0].is_deleted = False
        await world.host.app.commands.replay(RECORDING, by="ada")
        del world.account.queues[world.settings.chunks_queue].messages[1:]  # all but the message that is processed

    world.host.restart(once_lost(run, replay))
    await world.host.round()
    assert len(world.rows(world.settings.worklist_table)) == 1, "the only way to a chunk whose message is lost"
    await world.run(rounds=10)
    await run.end()
