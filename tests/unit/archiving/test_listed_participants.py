"""A person finds each archived chunk they are in, also one that no attempt ended."""

import json
from collections.abc import Callable

import pytest

from local.memory.host import Crash
from local.memory.storage.account import Operation, apply_at_once
from shared.domain.states import ChunkState
from tests.unit.runs import RECORDING, SMALL, Run

PERSON = "8:acs:00000000-0000-4000-8000-000000000001_00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("way", ["poison message", "no attempts left"])
async def test_a_chunk_whose_workers_died_before_the_list_is_listed_when_it_is_archived(way: str):
    attempts = {"max_attempts": 1} if way == "no attempts left" else {}
    run = await Run.prepared(SMALL, participants_secret="a secret of thirty-two characters, or more", **attempts)
    world = run.world
    metadata = json.loads(world.acs.documents[0].metadata)
    metadata["participants"] = [{"participantId": PERSON}]
    world.acs.documents[0].metadata = json.dumps(metadata).encode()

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


def _job(recording_key: str, chunk_key: str) -> bytes:
    return json.dumps({"recordingKey": recording_key, "chunkKey": chunk_key}).encode()
