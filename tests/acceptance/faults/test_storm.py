"""A thousand recordings end at once, and Event Grid delivers every event three times in no order."""

import asyncio
import random
from typing import Any

import pytest

from local.faults.invariants import violations
from local.faults.settling import settle
from local.faults.site import Site, site
from local.stack import Stack, StackOptions
from shared.domain.states import ChunkState

EVENTS, DELIVERIES, AT_ONCE = 1000, 3, 32
PATIENCE = 600  # seconds; a bound for what must happen, not a measure of how fast it does


async def test_three_thousand_deliveries_make_a_thousand_files(tmp_path_factory: pytest.TempPathFactory):
    options = StackOptions(
        directory=tmp_path_factory.mktemp("storm"),
        workers=4,
        # A repeated job that meets a chunk at work comes back when its lease ends: that is what the end waits for.
        settings={"LEASE_SECONDS": "15"},
    )
    async with Stack(options) as stack, site(stack.addresses) as where:
        gate = asyncio.Semaphore(AT_ONCE)
        made = await asyncio.gather(*(document(where, gate, number) for number in range(EVENTS)))
        deliveries = [one["event"] for one in made] * DELIVERIES
        random.Random(1000).shuffle(deliveries)
        await asyncio.gather(*(delivered(where, gate, event) for event in deliveries))

        announced = {one["chunks"][0]["documentId"] for one in made}
        assert await settle(where, announced, None, within=PATIENCE), "it never came to rest"
        evidence = await where.evidence([one["recordingId"] for one in made])
        assert [violation.sentence for violation in violations(evidence, announced)] == []
        assert [chunk.state for chunk in evidence.chunks] == [ChunkState.RELEASED] * EVENTS
        assert sum(name.endswith(".wav") for name in evidence.files) == EVENTS
        assert (len(evidence.files), evidence.rows, evidence.queued) == (2 * EVENTS, [], 0)


async def document(where: Site, gate: asyncio.Semaphore, number: int) -> Any:
    async with gate:
        return await where.document(size=4_000, format="wav", announce=False, seed=number)


async def delivered(where: Site, gate: asyncio.Semaphore, event: dict[str, Any]) -> None:
    async with gate:
        while not await where.deliver(event):
            pass
