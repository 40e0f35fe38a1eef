"""Callbacks in every order: the ledger follows ACS's state, and no requested field is lost."""

import asyncio
import json
from typing import Any

import pytest

from shared.domain.keys import key_of
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.tables.worklist import Worklist
from tests.integration.recording.callbacks.sent import (
    call,
    callbacks_of,
    control_of,
    deliver,
    start,
    url_of_calls,
    view,
)
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.storage("memory", "azurite")
async def test_a_callback_adds_the_recording_of_an_accepted_start_with_all_requested_fields(world: World):
    made = await call(world)
    await world.fault("start", "accepted", unnamed=True, callId=made["callId"])
    asked = {"serverCallId": made["serverCallId"], "format": "mp3", "correlation": "case 4711"}
    first = await start(world, key=made["callId"], **asked)
    assert (first.status, json.loads(first.body)["recordingId"]) == (202, None)
    event, _ = await callbacks_of(world, made, "RecordingStateChanged")
    recording_id = event["data"]["recordingId"]
    assert (await deliver(world, event)).status == 200
    shown = await view(world, recording_id)
    assert (shown["state"], shown["correlation"], shown["format"]) == ("active", "case 4711", "mp3")
    assert [(entry["action"], entry["by"]) for entry in shown["history"]] == [("start", "ada")]
    again = await start(world, key=made["callId"], **asked)
    assert (again.status, json.loads(again.body)["recordingId"]) == (201, recording_id)
    assert "Location" in again.headers


async def test_a_callback_writes_the_ledger_for_a_start_whose_process_crashed(world: World):
    made = await call(world)

    class Died(BaseException):
        pass

    async def die(*_: Any) -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worklist, "add", die)
        with pytest.raises(Died):
            await start(world, serverCallId=made["serverCallId"], correlation="case 4712")
    event, _ = await callbacks_of(world, made, "RecordingStateChanged")
    assert await control_of(world, event["data"]["recordingId"]) is None
    assert (await deliver(world, event)).status == 200
    assert (await view(world, event["data"]["recordingId"]))["correlation"] == "case 4712"


@pytest.mark.storage("memory", "azurite")
async def test_a_callback_before_and_after_the_end_of_the_start_adds_one_history(world: World):
    made = await call(world)
    recorder_start = CallRecorder.start

    async def slow(self: CallRecorder, *asked: Any) -> Any:
        started = await recorder_start(self, *asked)
        event, _ = await callbacks_of(world, made, "RecordingStateChanged")
        assert (await deliver(world, event)).status == 200
        return started

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallRecorder, "start", slow)
        answer = await start(world, serverCallId=made["serverCallId"], correlation="case 4713")
    assert answer.status == 201
    event, _ = await callbacks_of(world, made, "RecordingStateChanged")
    assert (await deliver(world, event, event)).status == 200
    shown = await view(world, event["data"]["recordingId"])
    assert (shown["state"], shown["correlation"]) == ("active", "case 4713")
    assert [entry["action"] for entry in shown["history"]] == ["start"]


async def test_a_failed_start_is_shown_by_its_recording_and_by_the_repeated_request(world: World):
    made = await call(world)
    await world.fault("start", "accepted", fails=True, callId=made["callId"])
    answer = await start(world, serverCallId=made["serverCallId"])
    recording_id = json.loads(answer.body)["recordingId"]
    (event,) = await callbacks_of(world, made, "StartRecordingFailed")
    for _ in range(2):
        assert (await deliver(world, event)).status == 200
    shown = await view(world, recording_id)
    assert (shown["state"], shown["failure"]) == ("failed", "ACS gave the codes 500 and 9999")
    assert [entry["action"] for entry in shown["history"]] == ["start", "start-failed"]
    assert (await world.commands.stop(recording_id, by="ada")).status == 200
    assert (await view(world, recording_id))["state"] == "failed"
    assert (await world.commands.pause(recording_id, by="ada")).status == 409

    other = await call(world)
    await world.fault("start", "accepted", fails=True, unnamed=True, callId=other["callId"])
    await start(world, key=other["callId"], serverCallId=other["serverCallId"])
    (event,) = await callbacks_of(world, other, "StartRecordingFailed")
    del event["data"]["recordingId"]
    assert (await deliver(world, event)).status == 200
    again = await start(world, key=other["callId"], serverCallId=other["serverCallId"])
    assert (again.status, json.loads(again.body)["reason"]) == (502, "acs-refused")


async def test_a_reported_failure_of_a_running_recording_is_ignored(world: World):
    made = await call(world)
    answer = await start(world, serverCallId=made["serverCallId"])
    recording_id = json.loads(answer.body)["recordingId"]
    event, _ = await callbacks_of(world, made, "RecordingStateChanged")
    failed = {**event, "type": "Microsoft.Communication.StartRecordingFailed"}
    assert (await deliver(world, failed)).status == 200
    assert await control_of(world, recording_id) == "active"


async def test_a_recording_that_ends_with_its_call_is_stopped_in_every_order_of_callbacks(world: World):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    first, began, ended = await callbacks_of(world, made, "RecordingStateChanged")
    for event in (ended, first, began, ended, began, first):
        assert (await deliver(world, event)).status == 200
    shown = await view(world, recording_id)
    assert (shown["state"], shown["acsState"]) == ("stopped", "unknown")
    assert [(entry["action"], entry["by"]) for entry in shown["history"]] == [("start", "ada"), ("ended", "ACS")]


async def test_a_recording_whose_files_came_first_is_stopped_too(world: World):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    await world.acs("GET", f"/recordings/{recording_id}")  # answers once the files exist
    files = [one["event"] for one in await world.acs("GET", "/events") if recording_id in one["event"]["subject"]]
    assert [await world.app.intake.receive(event) for event in files] == ["queued"]
    *_, ended = await callbacks_of(world, made, "RecordingStateChanged")
    assert (await deliver(world, ended)).status == 200
    shown = await view(world, recording_id)
    assert (shown["state"], await control_of(world, recording_id)) == ("archiving", "stopped")
    assert [(entry["action"], entry["by"]) for entry in shown["history"]] == [("start", "ada"), ("ended", "ACS")]


async def test_the_end_of_the_call_alone_stops_its_recording_in_the_ledger(world: World):
    made = await call(world, callbackUri=url_of_calls(world))
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    (event,) = await callbacks_of(world, made, "CallDisconnected")
    assert (await deliver(world, event)).status == 200
    assert await control_of(world, recording_id) == "stopped"


async def test_a_pause_of_other_code_is_shown_and_a_late_callback_doesn_t_undo_a_resume(world: World):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.gateways.recorder.pause(recording_id)
    *_, paused = await callbacks_of(world, made, "RecordingStateChanged")
    assert (await deliver(world, paused)).status == 200
    assert await control_of(world, recording_id) == "paused"
    assert (await world.commands.resume(recording_id, by="ada")).status == 200
    await world.gateways.recorder.pause(recording_id)
    assert (await deliver(world, paused)).status == 200
    assert await control_of(world, recording_id) == "active", "the callback is older than the resume"
    *_, again = await callbacks_of(world, made, "RecordingStateChanged")
    assert (await deliver(world, again)).status == 200
    assert await control_of(world, recording_id) == "paused"


async def test_a_recording_that_other_code_started_is_watched_from_its_first_callback(world: World):
    made = await call(world)
    options = {"server_call_id": made["serverCallId"], "recording_state_callback_url": url_of_calls(world)}
    started = await world.app.clients.calls.start_recording(**options)
    events = await callbacks_of(world, made, "RecordingStateChanged")
    assert (await deliver(world, *events)).status == 200
    shown = await view(world, started.recording_id)
    assert (shown["state"], shown["serverCallId"]) == ("active", made["serverCallId"])
    horizon = world.app.sweep._clock.now() + world.settings.files_awaited  # noqa: SLF001
    assert key_of(started.recording_id) in [item.recording_key async for item in world.gateways.worklist.due(horizon)]


async def test_concurrent_callbacks_leave_one_state_and_one_history(world: World):
    made = await call(world)
    recording_id = json.loads((await start(world, serverCallId=made["serverCallId"])).body)["recordingId"]
    await world.acs("POST", f"/calls/{made['callId']}/end")
    events = await callbacks_of(world, made, "RecordingStateChanged")
    answers = await asyncio.gather(*(deliver(world, event) for event in events * 5))
    assert {answer.status for answer in answers} <= {200, 503}
    shown = await view(world, recording_id)
    assert [entry["action"] for entry in shown["history"]] == ["start", "ended"]


async def test_a_recording_started_by_connection_gets_the_call_of_the_connection(world: World):
    made = await call(world, callbackUri=url_of_calls(world))
    (event,) = await callbacks_of(world, made, "CallConnected")
    for _ in range(2):
        assert (await deliver(world, event)).status == 200
    answer = await start(world, callConnectionId=made["callConnectionId"])
    recording_id = json.loads(answer.body)["recordingId"]
    assert (await view(world, recording_id))["serverCallId"] == made["serverCallId"]
    assert await world.gateways.links.recording_of_call(made["serverCallId"]) == key_of(recording_id)
