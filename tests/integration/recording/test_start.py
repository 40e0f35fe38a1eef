"""Starts, for every answer and refusal of ACS, and repeated ones."""

import asyncio
from typing import Any

import pytest

from tests.integration.recording.control import call, json_of, start
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("locator", "kind"),
    [("serverCallId", "group"), ("callConnectionId", "group"), ("groupCallId", "group"), ("roomId", "room")],
)
async def test_a_recording_is_started_by_each_locator_and_shown_at_its_location(world: World, locator: str, kind: str):
    made = await call(world, kind=kind)
    answer = await start(world, **{locator: made[locator]}, correlation="case 4711")
    assert answer.status == 201
    body = json_of(answer)
    assert body["state"] == "active"
    assert body["correlation"] == "case 4711"
    assert answer.headers["Location"].startswith("https://callvault.example/api/recordings/")
    assert "secret" not in answer.headers["Location"]
    view = json_of(await world.commands.get(body["recordingId"]))
    assert (view["state"], view["acsState"], view["correlation"]) == ("active", "active", "case 4711")
    assert (view["content"], view["channel"], view["format"]) == ("audioVideo", "mixed", "mp4")
    assert view["chunks"] == []


async def test_channel_affinity_and_participant_ordering_reach_acs_unchanged(world: World):
    made = await call(world, participants=2)
    ids = [participant["participantId"] for participant in made["participants"]]
    answer = await start(
        world,
        serverCallId=made["serverCallId"],
        channel="unmixed",
        channelAffinity=[{"participantId": ids[1], "channel": 0}, {"participantId": ids[0], "channel": 1}],
        pauseOnStart=True,
    )
    assert answer.status == 201, answer.body
    assert json_of(answer)["state"] == "paused"
    recording_id = json_of(answer)["recordingId"]
    await world.commands.resume(recording_id, by="ada")
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=2)
    await world.commands.stop(recording_id, by="ada")
    (chunk,) = (await world.acs("GET", f"/recordings/{recording_id}"))["chunks"]
    assert chunk["format"] == "wav"
    channels = {one["participantId"]: one.get("channel") for one in chunk["metadata"]["participants"]}
    assert channels == {ids[1]: 0, ids[0]: 1}


async def test_a_second_recording_of_a_call_is_409(world: World):
    made = await call(world)
    await start(world, serverCallId=made["serverCallId"])
    answer = await start(world, serverCallId=made["serverCallId"])
    assert (answer.status, json_of(answer)["reason"]) == (409, "conflict")


async def test_an_unknown_call_is_404(world: World):
    answer = await start(world, callConnectionId="00000000-0000-0000-0000-000000000000")
    assert answer.status == 404


@pytest.mark.parametrize(
    ("kind", "more", "status", "reason", "wait"),
    [
        ("error", {"status": 400, "code": "8553", "message": "one recording"}, 409, "conflict", None),
        ("error", {"status": 404, "code": "8522", "message": "not found"}, 404, "not-found", None),
        ("error", {"status": 400, "code": "8523", "message": "Invalid request"}, 400, "invalid-request", None),
        ("error", {"status": 400, "code": "9876", "message": "new to us"}, 400, "invalid-request", None),
        ("error", {"status": 409, "code": "9876", "message": "new to us"}, 409, "conflict", "10"),
        ("error", {"status": 418, "code": "9876", "message": "new to us"}, 502, "acs-refused", None),
        ("throttle", {"retryAfter": 17}, 429, "acs-throttled", "17"),
        ("throttle", {}, 429, "acs-throttled", "10"),
        ("serverError", {"status": 500}, 502, "acs-unavailable", "10"),
        ("serverError", {"status": 504}, 504, "acs-unavailable", "10"),
        ("serverError", {"status": 503, "retryAfter": 30}, 503, "acs-unavailable", "30"),
        ("html", {}, 502, "acs-garbled", "10"),
        ("html", {"contentType": "application/json"}, 502, "acs-garbled", "10"),
        ("html", {"status": 503}, 503, "acs-unavailable", "10"),
        ("html", {"status": 500}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": "<!DOCTYPE html><html></html>", "contentType": "text/html"}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": ""}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": "null"}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": "[]"}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": '"started"'}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": "{}"}, 502, "acs-garbled", "10"),
        ("nonsense", {"text": "[" * 20_000}, 502, "acs-garbled", "10"),
        ("unauthorized", {}, 502, "acs-credential-refused", None),
        ("reset", {}, 503, "acs-unavailable", "10"),
    ],
)
async def test_each_refusal_of_acs_has_its_own_problem_type(
    world: World, kind: str, more: dict[str, Any], status: int, reason: str, wait: str | None
):
    made = await call(world)
    await world.fault("start", kind, callId=made["callId"], times=0, **more)
    answer = await start(world, serverCallId=made["serverCallId"])
    body = json_of(answer)
    assert (answer.status, body["status"], body["reason"]) == (status, status, reason)
    assert answer.media_type == "application/problem+json"
    assert answer.headers.get("Retry-After") == wait
    assert body["type"] == f"urn:callvault:problem:{reason}"
    assert "<html" not in answer.body.lower()
    await world.acs("DELETE", "/faults")


async def test_a_wrong_acs_key_is_reported_as_the_app_s_fault(make_world: MakeWorld, world: World):
    made = await call(world)
    wrong = await make_world(
        ACS_CONNECTION_STRING="endpoint=https://callvault.communication.azure.com/;accesskey=d3Jvbmc="
    )
    answer = await start(wrong, serverCallId=made["serverCallId"])
    assert (answer.status, json_of(answer)["reason"]) == (502, "acs-credential-refused")
    assert "ACS_CONNECTION_STRING" in json_of(answer)["detail"]


async def test_a_bad_request_is_refused_before_acs_is_asked_and_every_field_is_named(world: World):
    answer = await start(world, serverCallId="411f6d00-0782-4bc2-8a27-9c33e3e0c9c1", colour="blue")
    body = json_of(answer)
    assert answer.status == 400
    assert {item["field"] for item in body["errors"]} == {"serverCallId", "colour"}


async def test_a_repeated_start_with_its_idempotency_key_gets_the_first_answer(world: World):
    made = await call(world)
    first = await start(world, key="key-1-" + made["callId"], serverCallId=made["serverCallId"])
    again = await start(world, key="key-1-" + made["callId"], serverCallId=made["serverCallId"])
    assert first == again
    assert first.status == 201


async def test_concurrent_starts_with_one_key_start_one_recording(world: World):
    made = await call(world)
    key = "key-2-" + made["callId"]
    answers = await asyncio.gather(*(start(world, key=key, serverCallId=made["serverCallId"]) for _ in range(6)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({json_of(answer)["recordingId"] for answer in answers if answer.status == 201}) == 1
    refused = [answer for answer in answers if answer.status == 409]
    assert all(json_of(answer)["reason"] == "request-in-progress" for answer in refused)
    assert all(answer.headers["Retry-After"] for answer in refused)


async def test_an_idempotency_key_with_another_body_is_refused(world: World):
    one, two = await call(world), await call(world)
    await start(world, key="key-3-" + one["callId"], serverCallId=one["serverCallId"])
    answer = await start(world, key="key-3-" + one["callId"], serverCallId=two["serverCallId"])
    assert (answer.status, json_of(answer)["reason"]) == (422, "idempotency-key-reused")


async def test_repeating_a_start_whose_answer_was_lost_starts_no_second_recording(world: World):
    """ACS carried out the start and answered 500. With another Repeatability id, the repeat would get 8553."""
    made = await call(world)
    await world.fault("start", "serverError", status=500, applied=True, callId=made["callId"])
    lost = await start(world, key="key-4-" + made["callId"], serverCallId=made["serverCallId"])
    assert lost.status == 502
    again = await start(world, key="key-4-" + made["callId"], serverCallId=made["serverCallId"])
    assert again.status == 201, again.body


async def test_a_start_that_acs_only_accepted_is_202_until_acs_says_that_it_runs(world: World):
    made = await call(world)
    await world.fault("start", "accepted", callId=made["callId"])
    answer = await start(world, serverCallId=made["serverCallId"])
    assert (answer.status, json_of(answer)["state"]) == (202, "starting")
    assert answer.headers["Location"]
    view = json_of(await world.commands.get(json_of(answer)["recordingId"]))
    assert (view["state"], view["acsState"]) == ("active", "active")


@pytest.mark.parametrize("key", ["", "   ", "k" * 256, "\udcff\udcfe", "a\nb"])
async def test_an_invalid_idempotency_key_is_refused_and_named(world: World, key: str):
    made = await call(world)
    answer = await start(world, key=key, serverCallId=made["serverCallId"])
    assert answer.status == 400
    assert json_of(answer)["errors"][0]["field"] == "Idempotency-Key"
