"""The summary's checks. A page that says that all is safe while events wait in the quarantine loses files."""

import json
from typing import Any

import pytest

from shared.domain.keys import call_key
from shared.domain.outbox import add_to_outbox, pending_announcement
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.gateways.tables.claims import Claim
from shared.operations.checks import Checks
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def failing(world: World) -> dict[str, dict[str, Any]]:
    """The failed checks of the summary by name."""
    answer = await world.queries.summary()
    assert answer.status == 200, answer.body
    checks = json.loads(answer.body)["checks"]
    assert all(check["runbook"] for check in checks)
    return {check["name"]: check for check in checks if not check["ok"]}


async def world_and_clock(make_world: MakeWorld, **settings: Any) -> tuple[World, MovableClock]:
    clock = MovableClock()
    return await make_world(clock=clock, **settings), clock


@pytest.mark.storage("memory", "azurite")
async def test_without_trouble_every_check_passes(world: World):
    assert await failing(world) == {}


@pytest.mark.storage("memory", "azurite")
async def test_a_quarantined_event_needs_attention_until_a_replay_processes_it(make_world: MakeWorld):
    world, clock = await world_and_clock(make_world)
    made = await world.document(size=20_000, format="wav")
    event = made["event"]
    await world.app.intake.receive({**event, "data": "unreadable"})
    found = (await failing(world))["quarantine"]
    assert (found["severity"], found["reason"], found["runbook"]) == (
        "warning", "items-quarantined", "event-quarantined",
    )  # fmt: skip
    assert found["detail"].startswith("1 event could not")
    async with world.container(world.settings.quarantine_container) as blobs:
        (name,) = [blob.name async for blob in blobs.list_blobs()]
        readable = json.dumps({"reason": "of an older version", "event": event})  # as after an update
        await blobs.upload_blob(name, readable.encode(), overwrite=True)
    assert (await world.commands.replay_quarantined(name.removesuffix(".json"), by="ada")).status == 202
    clock.forward(seconds=31)
    assert await failing(world) == {}


async def test_the_checks_run_at_most_every_thirty_seconds(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    world, clock = await world_and_clock(make_world)
    runs, run = list[None](), Checks.run

    async def counted(self: Checks) -> Any:
        runs.append(None)
        return await run(self)

    monkeypatch.setattr(Checks, "run", counted)
    for seconds in (0, 10, 19, 1):  # ask at 0, 10, 29 and 30 seconds
        clock.forward(seconds=seconds)
        await failing(world)
    assert len(runs) == 2


async def test_a_dead_letter_needs_attention(world: World):
    async with world.container(world.settings.deadletter_container) as letters:
        await letters.upload_blob("callvault/2026/11/28/10/one.json", b"[]")
    assert (await failing(world))["dead-letters"]["detail"].startswith("1 file has")


async def test_an_announcement_that_waits_for_more_than_an_hour_needs_attention(make_world: MakeWorld):
    topic = {"ANNOUNCE_TOPIC_ENDPOINT": "https://t.westeurope-1.eventgrid.azure.net/api/events"}
    world, clock = await world_and_clock(make_world, ANNOUNCE_TOPIC_KEY="a2V5", **topic)
    _, job = await world.announced(size=20_000, format="wav")
    chunk = await world.chunk(job)
    outbox = add_to_outbox(None, pending_announcement(ChunkState.ARCHIVED, clock.now(), 1, None))
    chunk = await world.writers.chunks.replace(chunk.move(ChunkState.COPYING, outbox=outbox))
    await world.writers.open_work.finish(WorkItem.of_chunk(chunk, clock.now()), chunk, clock.now())
    clock.forward(minutes=59)
    assert "announcements" not in await failing(world)
    clock.forward(minutes=2)
    assert (await failing(world))["announcements"]["reason"] == "announcements-overdue"


async def test_a_call_that_could_not_be_recorded_needs_attention_for_a_day(make_world: MakeWorld):
    world, clock = await world_and_clock(make_world)
    for outcome in ("refused: acs-forbidden", "started"):
        claim = Claim(
            call_key=call_key(outcome), trigger="CallStarted", by="AUTO_RECORD", body="{}", repeatability_id=outcome,
            first_sent=clock.now(), busy_until=clock.now(), outcome=outcome,
        )  # fmt: skip
        await world.gateways.claims.begin(claim)
        await world.writers.unrecorded_calls.add(claim.call_key, claim.first_sent)
    found = (await failing(world))["calls"]
    assert found["reason"] == "calls-not-recorded"
    assert "1 call of the last 24 hours (refused: acs-forbidden)" in found["detail"]
    clock.forward(hours=25)
    assert "calls" not in await failing(world)


async def test_a_check_that_cannot_run_is_a_failed_check(world: World):
    async with world.container(world.settings.quarantine_container) as blobs:
        await blobs.delete_container()
    assert set(await failing(world)) == {"quarantine"}
