"""Callbacks as Call Automation sends them. If these tests fail, the product's token verification isn't tested."""

import base64
import json

import jwt
import pytest
from aiohttp import web

from local.acs.identifiers import RESOURCE_ID
from tests.local.acs.clients import eventually, tls_session

ISSUER = "https://acscallautomation.communication.azure.com"
URL = "https://app.example/api/callbacks"


class Receiver:
    def __init__(self):
        self.statuses = []
        self.taken = []

    async def answer(self, request):
        (event,) = await request.json()
        self.taken.append((event["type"].rpartition(".")[2], event, dict(request.headers), request.query_string))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def kinds(self, *expected):
        async def enough():
            return len(self.taken) >= len(expected)

        await eventually(enough)
        assert [kind for kind, *_ in self.taken] == list(expected)
        return [event for _, event, *_ in self.taken]


@pytest.fixture
async def receiver(control):
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/api/callbacks", receiver.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    await control.post("/callback-hosts", host="app.example", address=address)
    yield receiver
    await runner.cleanup()


async def published_keys(simulator):
    async with tls_session(simulator) as session:
        async with session.get(f"{ISSUER}/calling/.well-known/acsopenidconfiguration") as answer:
            found = await answer.json()
        async with session.get(found["jwks_uri"]) as answer:
            return found, await answer.json()


async def test_a_token_is_verified_by_the_keys_that_are_published(simulator, control, receiver):
    call = await control.post("/calls", callbackUri=f"{URL}?mine=1")
    (event,) = await receiver.kinds("CallConnected")
    assert event["data"]["serverCallId"] == call["serverCallId"]
    assert event["data"]["callConnectionId"] == call["callConnectionId"]
    _, _, headers, query = receiver.taken[0]
    assert query == "mine=1"
    token = headers["Authorization"].removeprefix("Bearer ")
    found, keys = await published_keys(simulator)
    assert found["issuer"] == ISSUER
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=RESOURCE_ID, issuer=ISSUER)
    assert claims["exp"] - claims["iat"] == 300


async def test_after_a_rotation_the_new_key_signs_and_the_old_one_stays_published(simulator, control):
    before = (await control.post("/tokens"))["token"]
    key_id = (await control.post("/signing-keys"))["keyId"]
    after = (await control.post("/tokens"))["token"]
    assert jwt.get_unverified_header(after)["kid"] == key_id
    _, keys = await published_keys(simulator)
    known = [key["kid"] for key in keys["keys"]]
    assert known == [key_id, jwt.get_unverified_header(before)["kid"]]


async def test_each_state_of_a_recording_is_sent_to_the_callback_url_of_its_start(control, client, receiver):
    call = await control.post("/calls")
    started = await client.start_recording(
        server_call_id=call["serverCallId"], recording_state_callback_url=URL, pause_on_start=True
    )
    await receiver.kinds("RecordingStateChanged")
    await client.resume_recording(started.recording_id)
    await receiver.kinds(*["RecordingStateChanged"] * 2)
    await client.stop_recording(started.recording_id)
    events = await receiver.kinds(*["RecordingStateChanged"] * 3)
    assert [event["data"]["state"] for event in events] == ["inactive", "active", "inactive"]
    assert {event["data"]["recordingId"] for event in events} == {started.recording_id}


async def test_the_first_state_of_every_recording_is_inactive_without_a_time(control, client, receiver):
    call = await control.post("/calls")
    started = await client.start_recording(server_call_id=call["serverCallId"], recording_state_callback_url=URL)
    first, second = await receiver.kinds(*["RecordingStateChanged"] * 2)
    assert (first["data"]["state"], first["data"]["startDateTime"]) == ("inactive", "0001-01-01T00:00:00+00:00")
    assert second["data"]["state"] == "active"
    assert second["data"]["startDateTime"].startswith("20")
    assert first["time"] < second["time"]
    fields = json.loads(base64.urlsafe_b64decode(started.recording_id + "=" * (-len(started.recording_id) % 4)))
    assert first["data"]["callConnectionId"] == fields["PlatformEndpointId"] != call["callConnectionId"]
    assert first["data"]["serverCallId"] == call["serverCallId"]


async def test_a_recording_that_was_started_by_its_connection_calls_back_with_it(control, client, receiver):
    call = await control.post("/calls")
    await client.start_recording(call_connection_id=call["callConnectionId"], recording_state_callback_url=URL)
    first, _ = await receiver.kinds(*["RecordingStateChanged"] * 2)
    assert first["data"]["callConnectionId"] == call["callConnectionId"]


async def test_an_accepted_start_may_have_no_recording_id_and_may_fail(control, client, receiver):
    call = await control.post("/calls", callbackUri=URL)
    options = {"server_call_id": call["serverCallId"], "recording_state_callback_url": URL}
    await control.post("/faults", operation="start", kind="accepted", unnamed=True, fails=True)
    await control.post("/faults", operation="start", kind="accepted", unnamed=True)
    assert (await client.start_recording(**options)).recording_id is None
    assert (await client.start_recording(**options)).recording_id is None
    await control.post(f"/calls/{call['callId']}/end")
    kinds = ["CallConnected", "StartRecordingFailed", *["RecordingStateChanged"] * 3]

    async def all_taken():
        return len(receiver.taken) == 6

    await eventually(all_taken)
    assert sorted(kind for kind, *_ in receiver.taken) == sorted([*kinds, "CallDisconnected"])
    (failed,) = [event for kind, event, *_ in receiver.taken if kind == "StartRecordingFailed"]
    assert failed["data"]["resultInformation"]["subCode"] == 9999


async def test_a_callback_is_retried_after_5xx_and_dropped_if_its_host_is_unknown(control, receiver):
    receiver.statuses = [503, 200]
    await control.post("/calls", callbackUri=URL)
    await control.post("/calls", callbackUri="https://nowhere.example/")

    async def settled():
        first, second = await control.get("/callbacks")
        return not first["pending"] and second["statuses"] and (first, second)

    first, second = await eventually(settled)
    assert first["statuses"] == [503, 200]
    assert second["statuses"][0] is None
