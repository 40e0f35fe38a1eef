"""Automatic recording: each call that matches a rule is recorded once."""

import asyncio
import json
from typing import Any

import pytest

from shared.contracts.auto_record import Trigger
from shared.contracts.events.outcome import Outcome
from shared.domain.clock import SystemClock
from shared.domain.keys import call_key
from shared.recording.automatic import RULE
from tests.integration.recording.automatic import begun, recording, recordings_of, view
from tests.integration.world import MakeWorld, QuickClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.storage("memory", "azurite")
async def test_a_call_is_recorded_once_for_any_number_of_events_and_processes(make_world: MakeWorld):
    world, _ = await recording(make_world)
    other: World = await make_world(like=world, clock=QuickClock())
    call, event = await begun(world)
    apps = (world.app, other.app)
    connected = [app.commands._callbacks._auto for app in apps]  # noqa: SLF001 - callbacks have their own tests
    await asyncio.gather(
        *(apps[number % 2].intake.receive(event) for number in range(30)),
        *(
            connected[number % 2].consider(Trigger.CALL_CONNECTED, server_call_id=call["serverCallId"], by=RULE)
            for number in range(30)
        ),
    )
    (made,) = await recordings_of(world, call)
    shown = await view(world, made["recordingId"])
    assert (shown["state"], shown["format"], shown["correlation"]) == ("active", "mp3", "by rule")
    (entry,) = shown["history"]
    assert (entry["action"], entry["by"], set(entry["details"])) == ("start", "AUTO_RECORD", {"trigger"})
    await world.commands.stop(made["recordingId"], by="ada")
    assert await world.app.intake.receive(event) is Outcome.ACCEPTED
    assert len(await recordings_of(world, call)) == 1, "a late repeat must not record the rest of the call"


async def test_a_server_call_id_without_base64_padding_names_the_same_call(make_world: MakeWorld):
    world, _ = await recording(make_world)
    for padded_first in (True, False):
        call, event = await begun(world)
        while not call["serverCallId"].endswith("="):
            call, event = await begun(world)
        bare = {**event, "data": {**event["data"], "serverCallId": call["serverCallId"].rstrip("=")}}
        for found in (event, bare) if padded_first else (bare, event):
            await world.app.intake.receive(found)
        assert len(await recordings_of(world, call)) == 1


async def test_rules_apply_by_kind_of_call_and_without_a_rule_nothing_is_recorded(make_world: MakeWorld):
    rules = [
        {"on": ["CallStarted"], "calls": ["room"], "format": "mp3"},
        {"on": ["CallStarted"], "calls": ["twoParty"], "channel": "unmixed"},
    ]
    world, _ = await recording(make_world, rules)
    formats = {}
    for kind in ("room", "twoParty", "group"):
        call, event = await begun(world, kind)
        outcome = await world.app.intake.receive(event)
        assert outcome is (Outcome.IGNORED if kind == "group" else Outcome.ACCEPTED)
        formats[kind] = [one["formatType"] for one in await recordings_of(world, call)]
    assert formats == {"room": ["mp3"], "twoParty": ["wav"], "group": []}
    off: World = await make_world()
    call, event = await begun(off)
    assert await off.app.intake.receive(event) is Outcome.IGNORED
    assert await recordings_of(off, call) == []


@pytest.mark.parametrize("mine", [{"format": "mp3"}, {}])
async def test_no_second_recording_is_started_even_of_another_kind(make_world: MakeWorld, mine: Any):
    world, _ = await recording(make_world)
    call, event = await begun(world)
    body = json.dumps({"serverCallId": call["serverCallId"], **mine}).encode()
    await world.commands.start(body, url="https://callvault.example/api/recordings", idempotency_key=None, by="ada")
    await world.app.intake.receive(event)
    assert len(await recordings_of(world, call)) == 1
    claim = await world.gateways.claims.find(call_key(call["serverCallId"]))
    assert claim is not None
    assert claim.outcome == "recorded already"


async def test_a_recording_that_only_acs_knows_is_found_by_acs_s_refusal(make_world: MakeWorld):
    world, _ = await recording(make_world)
    call, event = await begun(world)
    await world.app.clients.calls.start_recording(
        server_call_id=call["serverCallId"], recording_content_type="audio", recording_format_type="mp3"
    )
    await world.app.intake.receive(event)
    assert len(await recordings_of(world, call)) == 1
    assert [item async for item in world.gateways.worklist.due(SystemClock().now())] == []


async def test_if_consent_is_required_an_automatic_recording_starts_paused(make_world: MakeWorld):
    world, _ = await recording(make_world, REQUIRE_CONSENT="true")
    call, event = await begun(world)
    await world.app.intake.receive(event)
    (made,) = await recordings_of(world, call)
    shown = await view(world, made["recordingId"])
    assert (shown["state"], shown["acsState"], shown["consent"]) == ("paused", "inactive", None)
    assert (await world.commands.resume(made["recordingId"], by="ada")).status == 403


async def test_a_call_started_event_that_can_t_be_parsed_is_quarantined(make_world: MakeWorld):
    world, _ = await recording(make_world)
    _, event = await begun(world)
    event["data"]["serverCallId"] = None
    assert await world.app.intake.receive(event) is Outcome.QUARANTINED
    assert len(await world.quarantined()) == 1
