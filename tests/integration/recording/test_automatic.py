"""Automatic recording: each call that matches a rule is recorded once, despite crashes and outages of ACS."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.acs.identifiers import RESOURCE_ID
from shared.contracts.auto_record import Trigger
from shared.contracts.events.outcome import Outcome
from shared.domain.clock import SystemClock
from shared.domain.keys import call_key
from shared.gateways.tables.claims import Claim, Claims
from shared.gateways.tables.worklist import WorkItem, Worklist
from shared.recording.automatic import RULE
from shared.recording.start import Starting
from tests.integration.world import MakeWorld, QuickClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLBACK_URL = "https://callvault.example/api/callbacks"


async def recording(
    make_world: MakeWorld, rules: Any = ({"format": "mp3", "correlation": "by rule"},), **settings: Any
) -> tuple[World, QuickClock]:
    clock = QuickClock()
    world: World = await make_world(
        clock=clock,
        AUTO_RECORD=json.dumps(rules),
        CALLBACK_URL=CALLBACK_URL,
        CALLBACK_AUDIENCE=RESOURCE_ID,
        CALLBACK_SECRET="a secret of thirty-two letters, or more",
        **settings,
    )
    return world, clock


async def begun(world: World, kind: str = "group") -> tuple[dict[str, Any], dict[str, Any]]:
    """Begins a call, and returns it with the event that announces it."""
    call = await world.acs("POST", "/calls", kind=kind)
    events = [one["event"] for one in await world.acs("GET", "/events")]
    (event,) = [
        one
        for one in events
        if one["eventType"].endswith("CallStarted") and one["data"]["serverCallId"] == call["serverCallId"]
    ]
    return call, event


async def recordings_of(world: World, call: dict[str, Any]) -> list[dict[str, Any]]:
    found = await world.acs("GET", "/recordings")
    return [one for one in found if one["serverCallId"] == call["serverCallId"]]


async def at_rest(world: World, clock: QuickClock) -> None:
    """Checks that the sweep soon has no row of a call left."""
    for _ in range(2):
        clock.forward(minutes=3)
        await world.app.sweep.run()
    assert [item async for item in world.gateways.worklist.due(clock.now()) if item.call_key] == []


async def view(world: World, recording_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads((await world.commands.get(recording_id)).body)
    return shown


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


async def test_a_short_outage_of_acs_is_waited_out_and_a_longer_one_is_left_to_the_sweep(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "serverError", callId=call["callId"], times=2)
    await world.app.intake.receive(event)
    assert len(await recordings_of(world, call)) == 1

    call, event = await begun(world)
    await world.fault("start", "throttle", callId=call["callId"], times=4)
    assert await world.app.intake.receive(event) is Outcome.ACCEPTED, "an error would delay other events"
    assert await recordings_of(world, call) == []
    for expected in (0, 1, 1):
        clock.forward(minutes=1)
        await world.app.sweep.run()
        assert len(await recordings_of(world, call)) == expected


async def test_a_call_that_acs_doesn_t_know_yet_is_tried_again_and_one_that_is_over_isn_t(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "error", status=404, code="8522", callId=call["callId"], times=3)
    await world.app.intake.receive(event)
    clock.forward(minutes=1)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1

    call, event = await begun(world)
    await world.acs("POST", f"/calls/{call['callId']}/end")
    await world.app.intake.receive(event)
    for _ in range(6):
        clock.forward(minutes=1)
        await world.app.sweep.run()
    claim = await world.gateways.claims.find(call_key(call["serverCallId"]))
    assert claim is not None
    assert claim.outcome == "over"
    await at_rest(world, clock)


class Died(BaseException):
    """Stands for a crash of the process: no code after it runs."""


@pytest.mark.parametrize(
    ("owner", "method", "redelivered"),
    [
        (Worklist, "add", True),  # between the claim and its row: the delivery wasn't answered and is repeated
        (Starting, "start", False),
        (Claims, "write", False),  # between the start in ACS and the claim's outcome
    ],
)
async def test_a_crash_at_any_step_still_leads_to_one_recording(
    make_world: MakeWorld, owner: type, method: str, redelivered: bool
):
    world, clock = await recording(make_world)
    call, event = await begun(world)

    async def die(*_: Any, **__: Any) -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, die)
        with pytest.raises(Died):
            await world.app.intake.receive(event)
    if redelivered:
        await world.app.intake.receive(event)
    clock.forward(seconds=61)
    await world.app.sweep.run()
    (made,) = await recordings_of(world, call)
    assert (await view(world, made["recordingId"]))["state"] == "active"
    await at_rest(world, clock)


async def deliver_failure(world: World, call: dict[str, Any]) -> None:
    """Delivers ACS's callback of the newest failed start."""
    *_, failed = [
        one
        for one in await world.acs("GET", "/callbacks")
        if one["event"]["data"]["serverCallId"] == call["serverCallId"]
    ]
    token = (await world.acs("POST", "/tokens"))["token"]
    parameters = dict(parse_qsl(urlsplit(failed["url"]).query))
    answer = await world.commands.callbacks(
        json.dumps([failed["event"]]).encode(),
        authorization=f"Bearer {token}",
        start_id=parameters["start"],
        signature=parameters["sig"],
    )
    assert answer.status == 200


async def test_a_start_that_acs_accepted_but_could_not_carry_out_is_sent_again(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=call["callId"])
    await world.app.intake.receive(event)
    for _ in range(2):
        await deliver_failure(world, call)
    clock.forward(seconds=1)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1
    await at_rest(world, clock)


async def test_a_call_whose_starts_all_fail_is_reported_as_not_recorded(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture
):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=call["callId"], times=0)
    await world.app.intake.receive(event)
    for _ in range(6):
        assert "call not recorded" not in caplog.text
        await deliver_failure(world, call)
        clock.forward(seconds=1)
        await world.app.sweep.run()
    assert "call not recorded {" in caplog.text
    await at_rest(world, clock)


async def test_a_start_that_fails_while_its_outcome_is_written_is_sent_again(make_world: MakeWorld):
    world, clock = await recording(make_world)
    call, event = await begun(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=call["callId"])
    write_claim, remove = Claims.write, Worklist.remove

    async def write(self: Claims, claim: Claim) -> Claim | None:
        patch.undo()
        patch.setattr(Worklist, "remove", removed)
        return await write_claim(self, claim)

    async def removed(self: Worklist, item: WorkItem) -> None:
        patch.undo()
        await deliver_failure(world, call)
        await world.app.sweep.run()
        await remove(self, item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Claims, "write", write)
        await world.app.intake.receive(event)
    clock.forward(seconds=1)
    await world.app.sweep.run()
    assert len(await recordings_of(world, call)) == 1
    await at_rest(world, clock)


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
