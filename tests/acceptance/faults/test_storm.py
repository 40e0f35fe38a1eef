"""Three hundred recordings end at the same time, and Event Grid delivers every event three times in random order."""

import asyncio
import random
from typing import Any

import pytest

from local.faults.batches.idle import wait_until_idle
from local.faults.judging.invariants import violations
from local.faults.running_stack.stack_client import StackClient, stack_client
from local.stack import Stack, StackOptions
from shared.domain.states import ChunkState

EVENTS, DELIVERIES, AT_ONCE = 300, 3, 32
PATIENCE = 600  # seconds; an upper bound for a hanging test, not a performance target


async def test_nine_hundred_deliveries_make_three_hundred_files(tmp_path_factory: pytest.TempPathFactory):
    options = StackOptions(
        directory=tmp_path_factory.mktemp("storm"),
        workers=4,
        # A repeated job for a chunk that is being copied returns when the lease expires, and the test waits for that.
        settings={"LEASE_SECONDS": "15"},
    )
    async with Stack(options) as stack, stack_client(stack.addresses) as where:
        gate = asyncio.Semaphore(AT_ONCE)
        made = await asyncio.gather(*(document(where, gate, number) for number in range(EVENTS)))
        deliveries = [one["event"] for one in made] * DELIVERIES
        random.Random(EVENTS).shuffle(deliveries)
        await asyncio.gather(*(deliver(where, gate, event) for event in deliveries))

        announced = {one["chunks"][0]["documentId"] for one in made}
        assert await wait_until_idle(where, announced, None, within=PATIENCE), "the stack never became idle"
        evidence = await where.evidence([one["recordingId"] for one in made])
        assert [violation.sentence for violation in violations(evidence, announced)] == []
        assert [chunk.state for chunk in evidence.chunks] == [ChunkState.RELEASED] * EVENTS
        assert sum(name.endswith(".wav") for name in evidence.files) == EVENTS
        assert (len(evidence.files), evidence.rows, evidence.queued) == (2 * EVENTS, [], 0)


async def document(where: StackClient, gate: asyncio.Semaphore, number: int) -> Any:
    async with gate:
        return await where.document(size=4_000, format="wav", announce=False, seed=number)


async def deliver(where: StackClient, gate: asyncio.Semaphore, event: dict[str, Any]) -> None:
    async with gate:
        while not await where.deliver(event):
            pass
