"""Callbacks that Callvault refuses or quarantines: they change nothing."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.acs.identifiers import RESOURCE_ID
from tests.integration.recording.callbacks.sent import (
    CALLBACK_URL,
    SETTINGS,
    call,
    callbacks_of,
    control_of,
    deliver,
    said,
    send,
    start,
    url_of_calls,
    view,
)
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_callback_without_a_valid_token_changes_nothing(world: World):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    *_, ended = await callbacks_of(world, made, "RecordingStateChanged")
    answer = await deliver(world, ended, token="nonsense")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert await control_of(world, recording_id) == "active"
    assert await world.quarantined() == []


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({"type": "Microsoft.Communication.ParticipantsUpdated", "data": {"participants": []}}, "ignored"),
        ({"type": "Microsoft.Communication.RecordingStateChanged", "id": "1", "time": "2026-11-21T00:00:00Z"}, "kept"),
        ({"type": "Microsoft.Communication.CallConnected", "data": {"serverCallId": "\u0000"}}, "kept"),
        ({"data": {}}, "kept"),
        ("no object", "kept"),
        ([[]], "kept"),
    ],
)
async def test_a_callback_that_can_t_be_parsed_is_quarantined_and_other_types_are_ignored(
    world: World, event: Any, outcome: str
):
    answer = await deliver(world, event)
    assert answer.status == 200
    kept = await world.quarantined()
    assert json.loads(answer.body)["outcomes"] == ["quarantined" if outcome == "kept" else "ignored"]
    assert len(kept) == (outcome == "kept")


async def test_a_body_that_is_not_json_is_quarantined_and_a_too_large_one_is_refused(world: World):
    query = urlsplit(url_of_calls(world)).query
    assert (await send(world, b"{", query=query)).status == 200
    assert len(await world.quarantined()) == 1
    large = b"[" + b" " * 300_000 + b"]"
    assert (await send(world, large, query=query)).status == 413
    many = json.dumps([{"type": "x"}] * 101).encode()
    assert (await send(world, many, query=query)).status == 400


@pytest.mark.parametrize("unsigned", ["", "sig=", "sig=AAAA", "start=0123456789abcdef0123456789abcdef"])
@pytest.mark.parametrize("kind", ["RecordingStateChanged", "StartRecordingFailed", "CallConnected"])
async def test_a_callback_with_a_valid_token_but_without_a_signed_url_changes_nothing(
    world: World, caplog: pytest.LogCaptureFixture, kind: str, unsigned: str
):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    event = {
        "type": f"Microsoft.Communication.{kind}",
        "id": "1",
        "time": "2099-01-01T00:00:00Z",
        "data": {
            "recordingId": recording_id,
            "serverCallId": made["serverCallId"],
            "callConnectionId": made["callConnectionId"],
        },
    }
    answer = await deliver(world, event, "unreadable", query=unsigned)
    assert (answer.status, json.loads(answer.body)["reason"]) == (401, "callback-unauthorized")
    assert "shared.callbackurls" in json.loads(answer.body)["detail"]
    assert await control_of(world, recording_id) == "active"
    assert await world.gateways.links.call_of_connection(made["callConnectionId"]) is None
    assert await world.quarantined() == []
    assert said(caplog, "ERROR") == ["callback signature missing or wrong"]


async def test_the_signature_of_one_start_s_url_is_not_valid_for_another_start(world: World):
    made, other = await call(world), await call(world)
    for one in (made, other):
        await world.fault("start", "accepted", unnamed=True, callId=one["callId"])
        await start(world, serverCallId=one["serverCallId"])
    (event, *_), (foreign, *_) = [await callbacks_of(world, one, "RecordingStateChanged") for one in (made, other)]
    mine, theirs = dict(parse_qsl(event["query"])), dict(parse_qsl(foreign["query"]))
    crossed = f"start={theirs['start']}&sig={mine['sig']}"
    assert (await deliver(world, event, query=crossed)).status == 401
    general = parse_qsl(urlsplit(url_of_calls(world)).query)
    assert (await deliver(world, event, query=f"start={mine['start']}&sig={dict(general)['sig']}")).status == 401
    assert (await deliver(world, event)).status == 200


@pytest.mark.parametrize("unnamed", [False, True])
@pytest.mark.parametrize("kind", ["RecordingStateChanged", "StartRecordingFailed"])
async def test_the_url_of_a_start_accepts_only_that_start_s_recording(
    world: World, caplog: pytest.LogCaptureFixture, kind: str, *, unnamed: bool
):
    made, other = await call(world), await call(world)
    if unnamed:
        await world.fault("start", "accepted", unnamed=True, callId=made["callId"])
    await start(world, serverCallId=made["serverCallId"], correlation="mine")
    foreign_id = json.loads((await start(world, serverCallId=other["serverCallId"])).body)["recordingId"]
    (event, *_) = await callbacks_of(world, made, "RecordingStateChanged")
    await world.acs("POST", f"/calls/{other['callId']}/end")
    before = await view(world, foreign_id)
    forged = event | {
        "type": f"Microsoft.Communication.{kind}",
        "data": {"recordingId": foreign_id, "serverCallId": other["serverCallId"], "state": "inactive"},
    }
    answer = await deliver(world, forged)
    assert (answer.status, json.loads(answer.body)["outcomes"]) == (200, ["ignored"])
    assert await view(world, foreign_id) == before
    assert said(caplog, "ERROR") == ["callback belongs to another start"]
    assert json.loads((await deliver(world, event)).body)["outcomes"] == ["accepted"]
    assert (await view(world, event["data"]["recordingId"]))["correlation"] == "mine"


async def test_the_url_of_a_start_accepts_no_callbacks_of_calls(world: World, caplog: pytest.LogCaptureFixture):
    made = await call(world)
    await start(world, serverCallId=made["serverCallId"])
    (event, *_) = await callbacks_of(world, made, "RecordingStateChanged")
    connected = event | {"type": "Microsoft.Communication.CallConnected"}
    connected["data"] = {"serverCallId": made["serverCallId"], "callConnectionId": made["callConnectionId"]}
    assert json.loads((await deliver(world, connected)).body)["outcomes"] == ["ignored"]
    assert await world.gateways.links.call_of_connection(made["callConnectionId"]) is None
    assert said(caplog, "ERROR") == ["callback belongs to another start"]


async def test_without_a_secret_urls_need_no_signature(make_world: MakeWorld):
    world: World = await make_world(CALLBACK_URL=CALLBACK_URL, CALLBACK_AUDIENCE=RESOURCE_ID)
    made = await call(world)
    await world.fault("start", "accepted", unnamed=True, callId=made["callId"])
    await start(world, serverCallId=made["serverCallId"], correlation="case 4714")
    event, _ = await callbacks_of(world, made, "RecordingStateChanged")
    assert "sig" not in event["query"]
    assert (await deliver(world, event)).status == 200
    assert (await view(world, event["data"]["recordingId"]))["correlation"] == "case 4714"


async def test_a_later_callback_never_links_a_connection_to_another_call(
    world: World, caplog: pytest.LogCaptureFixture
):
    made, other = await call(world, callbackUri=url_of_calls(world)), await call(world)
    (event,) = await callbacks_of(world, made, "CallConnected")
    assert (await deliver(world, event)).status == 200
    moved = event | {"data": {**event["data"], "serverCallId": other["serverCallId"]}}
    assert (await deliver(world, moved)).status == 200
    assert await world.gateways.links.call_of_connection(made["callConnectionId"]) == made["serverCallId"]
    assert "connection already linked to another call" in said(caplog, "WARNING")


async def test_the_number_of_callbacks_quarantined_per_minute_is_limited(make_world: MakeWorld):
    clock = MovableClock()
    world: World = await make_world(clock=clock, **SETTINGS)
    unreadable = [{"type": "Microsoft.Communication.RecordingStateChanged", "id": str(number)} for number in range(101)]
    assert (await deliver(world, *unreadable[:100])).status == 200
    refused = await deliver(world, unreadable[100])
    assert (refused.status, json.loads(refused.body)["reason"]) == (429, "callbacks-throttled")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (await deliver(world, *unreadable[:100])).status == 200, "callbacks that are quarantined already don't count"
    assert len(await world.quarantined()) == 100
    made = await call(world, callbackUri=url_of_calls(world))
    (event,) = await callbacks_of(world, made, "CallConnected")
    assert (await deliver(world, event)).status == 200, "the limit doesn't affect callbacks that can be parsed"
    clock.forward(seconds=61)
    assert (await deliver(world, unreadable[100])).status == 200


async def test_a_caller_s_own_callback_url_must_be_on_an_allowed_host(make_world: MakeWorld):
    world: World = await make_world(**SETTINGS, STATE_CALLBACK_HOSTS="Hooks.contoso.com, *.contoso.net")
    for url, allowed in {
        "https://hooks.contoso.com/state?x=1": True,
        "https://HOOKS.contoso.com.:8443/state": True,
        "https://eu.hooks.contoso.net": True,
        "https://contoso.net/state": False,
        "https://evil.example/hooks.contoso.com": False,
        "https://hooks.contoso.com.evil.example": False,
        "https://evilcontoso.net": False,
    }.items():
        made = await call(world)
        answer = await start(world, serverCallId=made["serverCallId"], stateCallbackUrl=url)
        assert answer.status == (201 if allowed else 400), url
        if not allowed:
            (error,) = json.loads(answer.body)["errors"]
            assert error["field"] == "stateCallbackUrl"
            assert "STATE_CALLBACK_HOSTS" in error["detail"]
            assert await callbacks_of(world, made, "RecordingStateChanged") == [], "ACS was not asked"
