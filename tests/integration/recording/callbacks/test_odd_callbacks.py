"""Callbacks whose fields are missing, odd or premature, as ACS sends them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.clock import SystemClock
from tests.integration.recording.callbacks.sent import (
    call,
    callbacks_of,
    control_of,
    deliver,
    start,
    url_of_calls,
    view,
)
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


NO_TIME = "0001-01-01T00:00:00+00:00"


def first_of(made: dict[str, Any], recording_id: str, **data: Any) -> dict[str, Any]:
    """The first callback of every recording, as ACS sends it."""
    return {
        "id": recording_id[-36:],
        "source": "calling/recordings",
        "type": "Microsoft.Communication.RecordingStateChanged",
        "specversion": "1.0",
        "time": f"{SystemClock().now() + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}.1234567+00:00",
        "data": {
            "recordingId": recording_id,
            "state": "inactive",
            "startDateTime": NO_TIME,
            "recordingKind": "azureCommunicationServices",
            "resultInformation": {"code": 200, "subCode": 0, "message": ""},
            "callConnectionId": "00000000-0000-4000-8000-000000000001",
            "serverCallId": made["serverCallId"],
            **data,
        },
    }


@pytest.mark.parametrize("started_at", [NO_TIME, "0001-01-01T00:00:00", None, "", "soon", 7])
async def test_the_first_callback_of_a_recording_doesn_t_pause_it(
    world: World, caplog: pytest.LogCaptureFixture, started_at: Any
):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.gateways.recorder.pause(
        recording_id
    )  # ACS then reports `inactive`, as for a recording that hasn't begun
    answer = await deliver(world, first_of(made, recording_id, startDateTime=started_at))
    assert json.loads(answer.body)["outcomes"] == ["accepted"]
    assert await control_of(world, recording_id) == "active"
    assert await world.quarantined() == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    warned = [record.getMessage() for record in caplog.records if "callback fields ignored" in record.getMessage()]
    assert len(warned) == (started_at in ("soon", 7))


async def test_a_recording_that_starts_paused_is_paused_from_its_first_callback(world: World):
    made = await call(world)
    await world.fault("start", "accepted", callId=made["callId"])
    asked = {"serverCallId": made["serverCallId"], "pauseOnStart": True}
    recording_id = json.loads((await start(world, **asked)).body)["recordingId"]
    assert await control_of(world, recording_id) == "starting"
    assert (await deliver(world, first_of(made, recording_id))).status == 200
    assert await control_of(world, recording_id) == "paused"


async def test_the_first_callback_doesn_t_end_a_recording_that_acs_doesn_t_know_yet(world: World):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.fault("get", "error", status=404, code="8522", recordingId=recording_id, times=1)
    assert (await deliver(world, first_of(made, recording_id))).status == 200
    assert await control_of(world, recording_id) == "active"


async def test_the_connection_in_a_recording_s_callback_is_not_linked_to_the_call(world: World):
    made = await call(world, callbackUri=url_of_calls(world))
    (connected,) = await callbacks_of(world, made, "CallConnected")
    started = await world.app.clients.calls.start_recording(server_call_id=made["serverCallId"])
    first = first_of(made, started.recording_id)
    assert (await deliver(world, connected, first)).status == 200
    shown = await view(world, started.recording_id)
    assert (shown["serverCallId"], shown["callConnectionId"]) == (made["serverCallId"], None)
    recorders = first["data"]["callConnectionId"]
    assert await world.gateways.links.call_of_connection(recorders) is None
    assert await world.gateways.links.call_of_connection(made["callConnectionId"]) == made["serverCallId"]


@pytest.mark.parametrize(
    ("outer", "data"),
    [
        ({"id": None}, {}),
        ({"id": 7}, {}),
        ({"time": None}, {}),
        ({"time": "yesterday"}, {}),
        ({}, {"state": 1}),
        ({}, {"serverCallId": ["x"]}),
        ({}, {"callConnectionId": "\u0000"}),
        ({}, {"resultInformation": "200"}),
        ({}, {"resultInformation": {"code": "x", "subCode": 10**12, "message": 5}}),
    ],
)
async def test_an_invalid_optional_field_doesn_t_stop_a_callback(world: World, outer: Any, data: Any):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    ended = first_of(made, recording_id, startDateTime="2026-11-21T09:00:00Z", **data) | outer
    answer = await deliver(world, ended, ended)
    assert json.loads(answer.body)["outcomes"] == ["accepted", "accepted"]
    assert await control_of(world, recording_id) == "stopped"
    assert await world.quarantined() == []


async def test_a_paused_recording_of_other_code_is_shown_as_paused(world: World):
    made = await call(world)
    started = await world.app.clients.calls.start_recording(server_call_id=made["serverCallId"])
    await world.gateways.recorder.pause(started.recording_id)
    shown = await view(world, started.recording_id)
    assert (shown["state"], shown["acsState"]) == ("paused", "inactive")
    await world.gateways.recorder.stop(started.recording_id)
    assert (await world.commands.get(started.recording_id)).status == 404


async def test_changes_by_other_code_are_shown_once_acs_has_carried_them_out(make_world: MakeWorld):
    clock = MovableClock()
    world: World = await make_world(clock=clock)
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.gateways.recorder.pause(recording_id)
    assert (await view(world, recording_id))["state"] == "active", "ACS may say so before it has begun"
    clock.forward(minutes=1)
    assert (await view(world, recording_id))["state"] == "paused"
    await world.gateways.recorder.resume(recording_id)
    assert (await view(world, recording_id))["state"] == "active"
