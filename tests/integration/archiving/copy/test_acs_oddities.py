"""Oddities of ACS, and events of every published version, through intake and archiving."""

import hashlib

import pytest

from shared.contracts.events.outcome import Outcome
from shared.domain.states import ChunkState
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIB = 1024 * 1024


@pytest.mark.parametrize("size", [30_000, 3 * MIB + 5])
@pytest.mark.parametrize("seed", range(4))
async def test_an_odd_document_is_archived_byte_for_byte(make_world: MakeWorld, seed: int, size: int):
    """The seeds stand for: the first or second Range request gets the whole file; no start time; half milliseconds."""
    clock = MovableClock()
    world: World = await make_world(clock=clock, BLOCK_SIZE_MIB=1)
    made = await world.document(size=size, format="wav", seed=seed, oddities=True)
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    job = world.job(made)
    for _ in range(3):
        if (await world.chunk(job)).state is not ChunkState.RELEASED:
            await world.app.archiving.handle(job)
            clock.forward(minutes=1)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    (stored,) = [body for name, body in (await world.blobs()).items() if name.endswith(".wav")]
    assert hashlib.sha256(stored).hexdigest() == made["chunks"][0]["sha256"]


@pytest.mark.parametrize(
    ("vintage", "outcome", "state"),
    [
        ("current", Outcome.QUEUED, ChunkState.RELEASED),
        ("2023", Outcome.QUEUED, ChunkState.RELEASED),
        ("2021", Outcome.QUEUED, ChunkState.RELEASED),
        ("2021-noDelete", Outcome.QUEUED, ChunkState.ARCHIVED),
        ("2021-04", Outcome.QUARANTINED, None),
        ("sample", Outcome.QUEUED, ChunkState.ARCHIVED),
        ("typedClient", Outcome.QUEUED, ChunkState.RELEASED),
        ("cloudEvents", Outcome.QUEUED, ChunkState.RELEASED),
        ("byos", Outcome.IGNORED, None),
    ],
)
async def test_events_of_every_published_version_are_archived(
    world: World, vintage: str, outcome: Outcome, state: ChunkState | None
):
    made = await world.document(size=30_000, format="wav", vintage=vintage)
    assert await world.app.intake.receive(made["event"]) is outcome
    assert len(await world.quarantined()) == (outcome is Outcome.QUARANTINED)
    assert (await world.queued() > 0) is (state is not None)
    if state is None:
        return
    job = await world.take_job()
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.state is state
    assert chunk.sha256 == made["chunks"][0]["sha256"]
    deleted = (await world.source(made))["deletedAt"]
    assert (deleted is not None) is (state is ChunkState.RELEASED)
