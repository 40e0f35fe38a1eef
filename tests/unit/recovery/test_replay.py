"""A replay brings a failed chunk back, and one operation of it that goes wrong changes nothing in the end."""

import pytest

from local.memory.mishaps import Mishap, Mishaps
from local.memory.storage.account import apply_at_once
from shared.domain.states import ChunkState
from tests.unit.runs import RECORDING, SMALL, Run
from tests.unit.world import World


async def failed() -> Run:
    """A chunk whose only attempt met a source that was away."""
    run = await Run.prepared(SMALL, max_attempts=1)
    (document,) = run.world.acs.documents
    run.world.acs.refuse(document.content_location, 503)
    await run.world.host.round()
    assert (await run.world.chunk(RECORDING, SMALL[0])).state is ChunkState.FAILED
    return run


async def replayed(world: World) -> int:
    """As a person does who repeats the command until it is answered; how often it took."""
    tries = 1
    while not await world.host.invoke(lambda app: app.commands.replay(RECORDING, by="ada")):
        tries += 1
    return tries


async def test_a_replayed_chunk_is_archived_at_once():
    run = await failed()
    await replayed(run.world)
    await run.under(apply_at_once, rounds=1)
    assert run.listed("trouble-") == []


@pytest.mark.parametrize("mishap", Mishap)
async def test_whatever_operation_of_a_replay_goes_wrong_the_chunk_is_archived(mishap: Mishap):
    number, hit = 0, True
    while hit:
        run, mishaps = await failed(), Mishaps({number: mishap})
        run.world.host.restart(run.world.watched(mishaps))
        assert await replayed(run.world) <= 2
        await run.world.run(rounds=60)
        await run.end()
        assert run.listed("trouble-") == [], f"operation {number}: {mishaps.hits}"
        number, hit = number + 1, bool(mishaps.hits)
    assert number > 20, "every operation of the replay and of what follows has had its mishap"
