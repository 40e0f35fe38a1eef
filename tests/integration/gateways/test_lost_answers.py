"""Writes to tables whose answer is lost: the SDK retries them, and the retry is refused because of the first try.

If such a write counted as another process's, an automatic recording would be delayed by more than a minute, and a
caller's first start would be refused for as long.
"""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from local.acs.identifiers import RESOURCE_ID
from local.stack import Azurite
from shared.contracts.events.outcome import Outcome
from shared.domain.clock import SystemClock
from shared.domain.keys import call_key, key_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.states import RecordingState
from shared.gateways.tables.claims import Claim
from tests.integration.recording.automatic import begun, recordings_of
from tests.integration.recording.control import call, json_of, start
from tests.integration.storagefront import Mishap, StorageFront, through
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld, azurite: Azurite, table_front: StorageFront) -> World:
    """Tables are reached through the faulty proxy, other storage directly."""
    made: World = await make_world(
        AzureWebJobsStorage=through(azurite, table_front),
        AUTO_RECORD=json.dumps([{"format": "mp3"}]),
        CALLBACK_AUDIENCE=RESOURCE_ID,
    )
    return made


async def test_a_call_is_recorded_at_once_although_the_answer_to_its_claim_is_lost(
    world: World, table_front: StorageFront
):
    made, event = await begun(world)
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path=world.settings.links_table)
    began = SystemClock().now()
    await world.app.intake.receive(event)
    (recorded,) = await recordings_of(world, made)
    assert recorded["recordingState"] == "active"
    assert (SystemClock().now() - began).total_seconds() < 10, "otherwise the claim would have to wait for its lease"


async def test_a_claim_is_ended_by_its_own_writer_although_the_answer_is_lost(world: World, table_front: StorageFront):
    made, event = await begun(world)
    table_front.spoil("PUT", Mishap.ANSWER_LOST, times=1, path="claim")
    await world.app.intake.receive(event)
    claim = await world.gateways.claims.find(call_key(made["serverCallId"]))
    assert claim is not None
    assert claim.outcome == "started"
    due = [item async for item in world.gateways.worklist.due(SystemClock().now().replace(year=2100))]
    assert [item for item in due if item.call_key] == [], "the call's row is off the worklist"


async def test_of_two_writers_of_one_claim_only_one_succeeds(world: World):
    now = SystemClock().now()
    mine = Claim(
        call_key=key_of("a call"),
        trigger="CallStarted",
        by="AUTO_RECORD",
        body="{}",
        repeatability_id="one",
        first_sent=now,
        busy_until=now,
    )
    first = await world.gateways.claims.begin(mine)
    again = await world.gateways.claims.begin(mine)
    assert (first.is_new, again.is_new, again.row.repeatability_id) == (True, False, "one")
    assert await world.gateways.claims.write(first.row) is not None
    assert await world.gateways.claims.write(first.row) is None, "the same content, written by another worker"


async def test_a_caller_s_first_start_is_carried_out_although_the_answer_to_storing_its_key_is_lost(
    world: World, table_front: StorageFront
):
    made = await call(world)
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path=world.settings.requests_table)
    answer = await start(world, key=f"key-{made['callId']}", serverCallId=made["serverCallId"])
    assert answer.status == 201, answer.body


async def test_of_two_repeated_requests_only_one_takes_over_although_the_answer_to_its_write_is_lost(
    world: World, table_front: StorageFront
):
    requests, now = world.gateways.requests, SystemClock().now()
    await requests.begin("a key", fingerprint="of its body", now=now, busy_until=now)
    found = (await requests.begin("a key", fingerprint="of its body", now=now, busy_until=now)).row
    table_front.spoil("PATCH", Mishap.ANSWER_LOST, times=1, path=world.settings.requests_table)
    assert await requests.set_busy_until(found, now) is not None
    assert await requests.set_busy_until(found, now) is None


async def test_a_start_keeps_the_consent_although_the_answer_to_storing_it_is_lost(
    world: World, table_front: StorageFront
):
    made = await call(world)
    consent = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-01-01T09:00:00Z"}
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path=world.settings.links_table)
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path="$batch")
    answer = await start(world, serverCallId=made["serverCallId"], consent=consent)
    assert answer.status == 201, answer.body
    shown = json_of(await world.commands.get(json_of(answer)["recordingId"]))
    assert shown["consent"]["reference"] == "ticket 4711"
    assert [entry["action"] for entry in shown["history"]] == ["start"]


async def test_a_stop_has_one_audit_entry_although_the_answer_to_its_transaction_is_lost(
    world: World, table_front: StorageFront
):
    made = await call(world)
    recording_id = json_of(await start(world, serverCallId=made["serverCallId"]))["recordingId"]
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path="$batch")
    answer = await world.commands.stop(recording_id, by="ada")
    assert (answer.status, json_of(answer)["state"]) == (200, "stopped")
    assert [entry["action"] for entry in json_of(answer)["history"]] == ["start", "stop"]


async def test_a_delivery_succeeds_although_the_answers_to_its_writes_are_lost(world: World, table_front: StorageFront):
    """Otherwise Event Grid would deliver the event again after 10 seconds or more."""
    made = await world.document(size=2048)
    for path in (world.settings.links_table, "$batch"):
        table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path=path)
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED
    await world.drained()
    shown = json_of(await world.commands.get(made["recordingId"]))
    assert [chunk["state"] for chunk in shown["chunks"]] == ["released"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_conditional_write_that_meets_its_own_first_try_succeeds(
    world: World, table_front: StorageFront, known: bool
):
    catalogue, now = world.gateways.catalogue, SystemClock().now()
    recording = Recording(recording_key=key_of(f"move {known}"), recording_id="moved", listed_at=now)
    if known:
        await catalogue.merge(recording)
    current: Any = await catalogue.ledger(recording.recording_key) or recording
    entry = AuditEntry(at=now, action="ended", by="ACS", mark="mark of the callback")
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path="$batch")
    stopped = current.evolve(control=RecordingState.STOPPED)
    assert await catalogue.move(stopped, entry)
    assert not await catalogue.move(stopped.evolve(control=RecordingState.FAILED)), (
        "this version is not the current one any more"
    )
    moved = await catalogue.ledger(recording.recording_key)
    assert moved is not None
    assert moved.control is RecordingState.STOPPED
    assert len(await world.gateways.audit.history(recording.recording_key)) == 1


async def test_if_all_answers_about_a_key_are_lost_its_caller_waits_a_minute_and_then_starts_once(
    make_world: MakeWorld, azurite: Azurite, table_front: StorageFront
):
    """The first request may still be in progress, so a second one at the same time might start twice."""
    clock = MovableClock()
    storage = through(azurite, table_front)
    world = await make_world(clock=clock, AzureWebJobsStorage=storage)
    made = await call(world)
    key, locator = f"key-{made['callId']}", {"serverCallId": made["serverCallId"]}
    table_front.spoil("POST", Mishap.ANSWER_LOST, times=1, path=world.settings.requests_table)
    table_front.spoil("POST", Mishap.BUSY, times=50, path=world.settings.requests_table)
    assert (await start(world, key=key, **locator)).status == 503
    table_front.recover()
    refused = await start(world, key=key, **locator)
    assert (refused.status, json_of(refused)["reason"]) == (409, "request-in-progress")
    assert int(refused.headers["Retry-After"]) > 0
    assert await recordings_of(world, made) == []
    clock.forward(seconds=61)
    both = await asyncio.gather(*(start(world, key=key, **locator) for _ in range(2)))
    # Both may be sent to ACS, as the same request. Or the second one finds the first in progress and must wait.
    answered = [json_of(one) for one in both if one.status == 201]
    assert answered
    assert all(json_of(one)["reason"] == "request-in-progress" for one in both if one.status != 201)
    assert len({one["recordingId"] for one in answered}) == 1
    assert json_of(await start(world, key=key, **locator)) == answered[0]
    assert len(await recordings_of(world, made)) == 1
