"""Temporary rows are deleted after thirty days. Rows that are still in use, and permanent rows, stay."""

import uuid
from dataclasses import replace

import pytest

from shared.domain.clock import SystemClock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Recording
from shared.errors import DestinationError
from shared.gateways.tables.claims import Claim
from shared.operations.expiry import KEPT, Expiry
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def rows(world: World, table_name: str) -> set[tuple[str, str]]:
    return {(row["PartitionKey"], row["RowKey"]) for row in await world.rows(table_name)}


async def request(world: World, key: str) -> None:
    now = SystemClock().now()
    await world.gateways.requests.begin(key, fingerprint="of its body", now=now, busy_until=now)
    await world.gateways.requests.store_answer(key, "{}")


async def claim(world: World, call: str, *, outcome: str | None) -> None:
    now = SystemClock().now()
    wanted = Claim(
        call_key=call,
        trigger="CallStarted",
        by="AUTO_RECORD",
        body="{}",
        repeatability_id=str(uuid.uuid4()),
        first_sent=now,
        busy_until=now,
    )
    begun = await world.gateways.claims.begin(wanted)
    await world.gateways.claims.write(replace(begun.row, outcome=outcome))


async def start(world: World, start_id: str) -> None:
    entry = AuditEntry(at=SystemClock().now(), action="start", by="function key")
    await world.gateways.starts.begin(start_id, Recording(recording_key=key_of(start_id)), entry)


@pytest.mark.storage("memory", "azurite")
async def test_only_answers_finished_claims_and_starts_expire_after_thirty_days(make_world: MakeWorld):
    clock = MovableClock()
    world: World = await make_world(clock=clock)
    settings = world.settings
    await request(world, "a key")
    await claim(world, "settled", outcome="recorded")
    await claim(world, "open", outcome=None)
    await start(world, "a-start")
    made, _ = await world.announced(size=1000)
    before = {name: await rows(world, name) for name in settings.tables}

    clock.forward(hours=KEPT.total_seconds() / 3600 - 1)
    await world.app.expiry.run()
    assert {name: await rows(world, name) for name in settings.tables} == before, "nothing expires early"

    clock.forward(hours=2)
    await world.app.expiry.run()
    gone = {name: before[name] - await rows(world, name) for name in settings.tables}
    assert gone.pop(settings.requests_table) == {(key_of("a key"), "request")}
    assert gone.pop(settings.links_table) == {("auto-settled", "claim"), ("start-a-start", "start")}
    assert not any(gone.values()), f"{made['recordingId']} is in the catalogue for good"


async def test_a_run_deletes_a_bounded_number_of_rows_and_the_next_run_deletes_more(make_world: MakeWorld):
    clock = MovableClock()
    world: World = await make_world(clock=clock)
    for number in range(5):
        await request(world, f"key {number}")
    clock.forward(hours=KEPT.total_seconds() / 3600 + 1)
    expiry = Expiry(world.gateways, clock, most=3)
    left = []
    for _ in range(3):
        await expiry.run()
        left.append(len(await rows(world, world.settings.requests_table)))
    assert left == [2, 0, 0]


@pytest.mark.storage("memory", "azurite")
async def test_a_row_that_is_written_again_is_kept_for_another_thirty_days(make_world: MakeWorld):
    """A row's age counts from its latest write. A row that is written after the run found it isn't deleted."""
    clock = MovableClock()
    world: World = await make_world(clock=clock)
    await claim(world, "settled", outcome="recorded")
    found = await world.gateways.claims.find("settled")
    assert found is not None
    clock.forward(hours=KEPT.total_seconds() / 3600 - 1)
    await world.gateways.claims.write(replace(found, outcome=None))
    clock.forward(hours=2)
    await world.app.expiry.run()
    assert await world.gateways.claims.find("settled") is not None


async def test_a_request_that_expires_while_it_is_repeated_leaves_no_unreadable_row(make_world: MakeWorld):
    clock = MovableClock()
    world: World = await make_world(clock=clock)
    await request(world, "a key")
    begun = await world.gateways.requests.begin("a key", fingerprint="", now=clock.now(), busy_until=clock.now())
    clock.forward(hours=KEPT.total_seconds() / 3600 + 1)
    await world.app.expiry.run()
    with pytest.raises(DestinationError):
        await world.gateways.requests.set_busy_until(begun.row, clock.now())
    with pytest.raises(DestinationError):
        await world.gateways.requests.store_answer("a key", "{}")
    assert await rows(world, world.settings.requests_table) == set()
