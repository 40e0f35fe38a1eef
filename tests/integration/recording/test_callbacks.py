"""Callbacks in every order: the ledger follows ACS's state, and no requested field is lost."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio

from local.acs.identifiers import RESOURCE_ID
from shared.domain.clock import SystemClock
from shared.domain.keys import key_of
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.tables.worklist import Worklist
from shared.http.answers import Answer
from shared.recording.callback_urls import SIGNATURE, START, CallbackUrls
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = "https://callvault.example/api/recordings"
CALLBACK_URL = "https://callvault.example/api/callbacks"
SETTINGS = {
    "CALLBACK_URL": CALLBACK_URL,
    "CALLBACK_AUDIENCE": RESOURCE_ID,
    "CALLBACK_SECRET": "a secret of thirty-two letters, or more",
}


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld) -> World:
    made: World = await make_world(**SETTINGS)
    return made


async def call(world: World, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = await world.acs("POST", "/calls", kind="group", participants=2, **options)
    return made


async def start(world: World, key: str | None = None, **fields: Any) -> Answer:
    return await world.commands.start(json.dumps(fields).encode(), url=HERE, idempotency_key=key, by="ada")


async def callbacks_of(world: World, made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The callbacks that ACS sent for a call, oldest first, each with the query of its URL."""
    sent = await world.acs("GET", "/callbacks")
    return [
        {**one["event"], "query": one["url"].partition("?")[2]}
        for one in sent
        if one["event"]["data"]["serverCallId"] == made["serverCallId"] and one["event"]["type"].endswith(kind)
    ]


def said(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [record.getMessage().partition(" {")[0] for record in caplog.records if record.levelname == level]


def url_of_calls(world: World) -> str:
    """The callback URL that other code gives to ACS."""
    return str(CallbackUrls(world.settings).of_any_call())


async def deliver(world: World, *events: Any, token: str | None = None, query: str | None = None) -> Answer:
    """Sends callbacks as ACS does, to the URL that ACS was given, unless the test sets another query."""
    given = [event["query"] for event in events if isinstance(event, dict) and "query" in event]
    if query is None:
        query = given[0] if given else urlsplit(url_of_calls(world)).query
    body = [
        {name: value for name, value in event.items() if name != "query"} if isinstance(event, dict) else event
        for event in events
    ]
    return await send(world, json.dumps(body).encode(), token=token, query=query)


async def send(world: World, body: bytes, *, query: str, token: str | None = None) -> Answer:
    token = token or (await world.acs("POST", "/tokens"))["token"]
    parameters = dict(parse_qsl(query))
    return await world.commands.callbacks(
        body,
        authorization=f"Bearer {token}",
        start_id=parameters.get(START),
        signature=parameters.get(SIGNATURE),
    )


async def view(world: World, recording_id: str) -> dict[str, Any]:
    answer = await world.commands.get(recording_id)
    assert answer.status == 200, answer.body
    shown: dict[str, Any] = json.loads(answer.body)
    return shown


async def control_of(world: World, recording_id: str) -> str | None:
    recording, _ = await world.gateways.catalogue.recording(key_of(recording_id))
    return None if recording is None or recording.control is None else str(recording.control)


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
