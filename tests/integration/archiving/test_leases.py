"""Of many workers, one copies a chunk: the one whose lease is in the chunk's row."""

import asyncio
from typing import Any

import pytest

from shared.domain.states import ChunkState
from tests.integration.archiving.checks import KIB, MIB, check_released, shown_chunk
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.storage("memory", "azurite")
async def test_of_many_concurrent_jobs_for_one_chunk_only_one_copies_it(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=5)
    made, job = await world.announced(size=300 * KIB, format="wav")
    await asyncio.gather(*(world.app.archiving.handle(job) for _ in range(8)))
    await check_released(world, made)
    assert len(await world.blobs()) == 2
    assert (await world.source(made))["downloads"] == 1


async def test_a_slow_copy_keeps_its_lease(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=1)
    made, job = await world.announced(size=300 * KIB, format="wav")
    assert await world.take_job() == job
    await world.fault("download", "slow", bytesPerSecond=100 * KIB, documentId=made["chunks"][0]["documentId"])
    slow = asyncio.create_task(world.app.archiving.handle(job))
    while (await world.chunk(job)).state is not ChunkState.COPYING:
        pass
    while not slow.done():
        await world.app.archiving.handle(job)
    await slow
    await check_released(world, made)
    assert (await world.chunk(job)).attempts == 1


async def test_a_running_copy_reports_its_progress_with_each_renewal_until_it_ends(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=1, BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=2 * MIB, times=0, documentId=made["chunks"][0]["documentId"])
    copying = asyncio.create_task(world.app.archiving.handle(job))
    seen: list[tuple[int, int]] = []
    while not copying.done():
        shown = await shown_chunk(world, made)
        if shown["copied"] is not None and (shown["copied"], shown["expected"]) not in seen:
            seen.append((shown["copied"], shown["expected"]))
    await copying
    assert seen, "its lease is renewed three times a second, with the progress"
    assert seen == sorted(seen)
    assert {expected for _, expected in seen} == {made["chunks"][0]["size"]}
    assert all(0 <= copied <= expected for copied, expected in seen)
    shown = await shown_chunk(world, made)
    assert (shown["state"], shown["copied"], shown["expected"]) == ("released", None, None)


async def test_a_worker_that_lost_its_lease_changes_nothing(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=60)
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=100 * KIB, documentId=made["chunks"][0]["documentId"])
    late = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    await world.writers.chunks.replace(claimed.evolve(owner="another", lease_until=claimed.copying_at))
    await world.app.archiving.handle(job)
    await check_released(world, made)
    released = await world.chunk(job)
    await late
    assert await world.chunk(job) == released
    assert len(await world.blobs()) == 2


async def test_an_unexpected_exception_is_retried_and_counts_as_an_attempt(make_world: MakeWorld, world: World):
    few = await make_world(like=world, MAX_ATTEMPTS=2)
    _, job = await few.announced(size=20 * KIB, format="wav")
    few.app.archiving._copier.attempt = _broken  # type: ignore[method-assign]  # noqa: SLF001 - a defect of ours
    await few.drained()
    chunk = await few.chunk(job)
    assert (chunk.state, chunk.reason, chunk.attempts) == (ChunkState.FAILED, "unforeseen", 2)


async def _broken(lease: Any, **_: bool) -> Any:
    raise ZeroDivisionError(lease)


async def test_a_chunk_that_kills_its_worker_each_time_fails_after_its_attempts(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock, MAX_ATTEMPTS=3)
    _, job = await world.announced(size=20 * KIB, format="wav")
    for _ in range(3):
        assert await world.app.archiving._claim(await world.chunk(job)) is not None  # noqa: SLF001 - the worker crashes here
        clock.forward(seconds=61)
    await world.app.archiving.handle(job)
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "out-of-attempts")


async def test_a_lease_renewal_whose_answer_is_lost_does_no_harm(world: World):
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=200 * KIB, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    await world.writers.chunks.replace(claimed.evolve(lease_until=claimed.deadline))
    await working
    await check_released(world, made)
    assert (await world.source(made))["downloads"] == 1
