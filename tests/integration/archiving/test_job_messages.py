"""Jobs that come too early, twice, or from a dead worker: none is lost, and none circulates forever."""

import asyncio
import json
import re
from typing import Any

import pytest

from infra.package import CHECKOUT
from shared.domain.states import ChunkState
from shared.settings.settings import load_settings
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
MIB = 1024 * KIB


async def test_a_lease_expires_before_the_host_repeats_a_message_and_the_sweep_checks_after_that(world: World):
    """Otherwise the repeated message would meet the lease of the attempt that failed."""
    host: dict[str, Any] = json.loads((CHECKOUT / "host.json").read_text())
    hours, minutes, seconds = map(int, re.findall(r"\d+", host["extensions"]["queues"]["visibilityTimeout"]))
    repeated = 3600 * hours + 60 * minutes + seconds
    settings = load_settings()
    assert settings.lease.total_seconds() < repeated < settings.sweep_grace.total_seconds()
    assert settings.attempt_minutes * 60 + 300 <= 3600, "an attempt must end well before functionTimeout"
    assert host["functionTimeout"] == "01:00:00"
    del world


async def test_a_job_that_meets_a_live_lease_is_sent_once_more_for_its_end(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, LEASE_SECONDS=2)
    _, job = await world.announced(size=20 * KIB)
    assert await world.take_job() == job
    assert await world.app.archiving._claim(await world.chunk(job)) is not None  # noqa: SLF001 - the worker crashes here
    await world.app.archiving.handle(job)
    assert await world.queued() == 1
    deferred = await world.take_job()
    assert deferred.delayed(0) == job.again()
    clock.forward(seconds=1)
    await world.app.archiving.handle(deferred)
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_job_that_is_too_early_twice_is_dropped(make_world: MakeWorld, clock: MovableClock):
    world = await make_world(clock=clock, LEASE_SECONDS=600)
    _, job = await world.announced(size=20 * KIB)
    await world.take_job()
    claimed = await world.app.archiving._claim(await world.chunk(job))  # noqa: SLF001 - a worker that is busy
    clock.forward(seconds=400)
    for one in (job, job.again(), job.again()):
        await world.app.archiving.handle(one)
    assert await world.queued() == 1
    assert await world.chunk(job) == claimed


async def test_a_job_that_seems_too_early_because_of_a_slow_clock_is_not_dropped(make_world: MakeWorld):
    """A retry is delivered by the queue's clock. A worker whose clock is slow must not mistake it for a repetition."""
    right, slow = MovableClock(), MovableClock()
    world = await make_world(clock=right)
    behind = await make_world(like=world, clock=slow)
    made, job = await world.announced(size=20 * KIB)
    await world.fault("download", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(await world.take_job())
    slow.forward(seconds=-8)
    await behind.app.archiving.handle(await world.take_job())
    assert (await world.chunk(job)).state is ChunkState.PENDING
    assert await world.queued() == 1
    await behind.app.archiving.handle(await world.take_job())
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_jobs_that_are_too_early_don_t_multiply(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    assert await world.take_job() == job
    await world.fault("download", "throttle", retryAfter=60, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    for _ in range(5):
        await world.app.archiving.handle(job.again())
    assert await world.queued() == 1, "only the message of the next attempt is left"


async def test_a_job_for_a_retry_that_is_hours_away_is_not_sent_again(make_world: MakeWorld):
    world = await make_world(RETRY_BASE_SECONDS=600)
    made, job = await world.announced(size=20 * KIB)
    await world.fault("download", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(await world.take_job())
    await world.app.archiving.handle(job)
    assert await world.queued() == 0


async def test_an_attempt_at_a_very_slow_source_ends_in_time_and_the_next_one_continues(make_world: MakeWorld):
    world = await make_world(ATTEMPT_MINUTES=2 / 60, BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=12 * MIB, format="wav")
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "slow", bytesPerSecond=3 * MIB, times=0, documentId=document_id)
    await world.app.archiving.handle(await world.take_job())
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.reason) == (ChunkState.PENDING, "source-slow")
    assert waiting.metadata_blob_name is not None, "the metadata don't wait for the media"
    await world.acs("DELETE", "/faults")
    await world.app.archiving.handle(await world.take_job())
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    ranges = [request["range"] for request in requests if request["operation"] == "download"]
    assert len(ranges) < 2 * 12, "staged blocks are not read again"


async def test_a_worker_does_not_overwrite_what_intake_wrote_during_its_lease(world: World):
    """A corrected event replaces the locations of a chunk. A worker that copies from the old locations must stop."""
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.take_job()
    await world.fault("download", "slow", bytesPerSecond=100 * KIB, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    written = await world.writers.chunks.replace(claimed.evolve(end_reason="corrected"))
    await working
    assert await world.chunk(job) == written
    assert (await world.source(made))["deletedAt"] is None
