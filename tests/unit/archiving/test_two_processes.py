"""Two processes take the same events and jobs at the same time, and each is frozen for a minute now and then."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from local.memory.host import Host
from local.memory.storage.account import Operation
from tests.unit.runs import RECORDING, TWO, Run
from tests.unit.world import event_of

_ROUNDS = 30


@pytest.mark.parametrize("seed", range(20))
async def test_however_their_operations_mix_each_chunk_is_archived_once(seed: int):
    run, source = await Run.prepared(TWO), random.Random(seed)
    world = run.world

    async def mixed[T](_: Operation, apply: Callable[[], T], /) -> T:
        for _ in range(source.randrange(4)):
            await asyncio.sleep(0)
        return apply()

    hosts = [Host(world.account, world.acs, world.topic, world.clock, world.settings) for _ in range(2)]
    for host in hosts:
        host.restart(world.watched(mixed))
        host.publish(event_of(RECORDING, *TWO))
    for _ in range(_ROUNDS):
        await asyncio.gather(*(host.round() for host in hosts))
        if not world.left():
            break
    await run.end()
    assert not world.left()
    assert len(world.archive) == 2 * len(TWO)
    tallies = [tally async for _, tally in world.gateways.tallies.since(world.clock.now() - timedelta(days=1))]
    assert sum(tally.safe for tally in tallies) == len(TWO), "each chunk is archived by one process, and counted once"
