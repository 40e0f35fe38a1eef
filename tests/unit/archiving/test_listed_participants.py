"""A person finds each archived chunk they are in, also one that no attempt ended or that had many other failures."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from local.memory.host import Crash
from local.memory.mishaps import Mishap, suffer
from local.memory.storage.account import Operation, apply_at_once
from shared.domain.states import ChunkState
from tests.unit.runs import RECORDING, SMALL, Run
from tests.unit.world import World

PERSON = "8:acs:00000000-0000-4000-8000-000000000001_00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("way", ["poison message", "no attempts left"])
async def test_a_chunk_whose_workers_died_before_the_list_is_listed_when_it_is_archived(way: str):
    world = await _world(**({"max_attempts": 1} if way == "no attempts left" else {}))

    async def dying[T](operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.target == world.settings.participants_table and operation.writes and world.host.crashes == 0:
            raise Crash
        return await apply_at_once(operation, apply)

    world.host.restart(dying)
    await world.host.round()
    assert world.host.crashes == 1
    if way == "poison message":
        waiting = await world.chunk(RECORDING, SMALL[0])
        world.clock.forward(minutes=2)
        await world.host.app.poison.keep(_job(waiting.recording_key, waiting.chunk_key))
    await world.run(rounds=60)
    assert (await world.chunk(RECORDING, SMALL[0])).state is ChunkState.RELEASED
    assert len(world.rows(world.settings.participants_table)) == 1


@pytest.mark.parametrize("attempts", [8, 50], ids=["retried", "no attempts left"])
async def test_a_chunk_whose_attempts_were_used_up_by_its_metadata_is_listed_although_the_list_fails(attempts: int):
    world = await _world(max_attempts=attempts)
    world.acs.refuse(world.acs.documents[0].metadata_location, 404, times=7)
    failures = Failures(world, number=2)
    world.host.restart(failures)
    await world.run(rounds=600)
    assert failures.number == 0
    assert (await world.chunk(RECORDING, SMALL[0])).state is ChunkState.RELEASED
    assert len(world.rows(world.settings.participants_table)) == 1


@pytest.mark.parametrize("refusals", [0, 7])
async def test_a_chunk_that_comes_after_its_deadline_is_listed_although_the_list_fails_once(refusals: int):
    world = await _world()
    world.acs.refuse(world.acs.documents[0].metadata_location, 404, times=refusals)
    world.clock.forward(hours=27)
    failures = Failures(world, number=1)
    world.host.restart(failures)
    await world.run(rounds=600)
    assert failures.number == 0
    assert len(world.rows(world.settings.participants_table)) == 1


@pytest.mark.parametrize("attempts", [3, 50])
async def test_lists_that_can_t_be_written_for_hours_delay_the_archiving_and_then_don_t(attempts: int):
    world = await _world(max_attempts=attempts)
    world.host.restart(Failures(world, number=10_000))
    for _ in range(11 * 60):
        await world.host.round()
    waiting = await world.chunk(RECORDING, SMALL[0])
    assert (waiting.state, waiting.reason) == (ChunkState.PENDING, "storage-unavailable")
    assert waiting.attempts < 40, "it is retried at growing intervals"
    await world.run(rounds=150)
    assert (await world.chunk(RECORDING, SMALL[0])).state is ChunkState.RELEASED


@dataclass
class Failures:
    """A turn that fails some writes of the participants' lists."""

    world: World
    number: int

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.target == self.world.settings.participants_table and operation.writes and self.number:
            self.number -= 1
            return suffer(Mishap.NOT_SENT, operation, apply)
        return await apply_at_once(operation, apply)


async def _world(**settings: Any) -> World:
    run = await Run.prepared(SMALL, participants_secret="a secret of thirty-two characters, or more", **settings)
    one = run.world.acs.documents[0]
    one.metadata = json.dumps(json.loads(one.metadata) | {"participants": [{"participantId": PERSON}]}).encode()
    return run.world


def _job(recording_key: str, chunk_key: str) -> bytes:
    return json.dumps({"recordingKey": recording_key, "chunkKey": chunk_key}).encode()
