"""The control API explains invalid requests, and shows details that clients of ACS can't see."""

import aiohttp
import pytest

from tests.local.acs.clients import recorded


@pytest.mark.parametrize(
    ("asked", "body", "status", "named"),
    [
        ("GET /calls/none", None, 404, "no such call"),
        ("GET /recordings/none", None, 404, "no such recording"),
        ("GET /documents/none/content", None, 404, "no such document"),
        ("POST /events/none/redeliver", {}, 404, "no such event"),
        ("DELETE /subscriptions/none", None, 404, "no such subscription"),
        ("DELETE /faults/none", None, 404, "no such fault"),
        ("GET /nowhere", None, 404, "Not Found"),
        ("POST /calls", {"kind": "party"}, 400, "kind"),
        ("POST /calls", {"participants": 0}, 400, "participants"),
        ("POST /calls", {"colour": "red"}, 400, "colour"),
        ("POST /documents", {}, 400, "size"),
        ("POST /documents", {"size": 7, "format": "mp4"}, 400, "at least 156"),
        ("POST /documents", {"size": 7000, "format": "mp3", "channels": 2}, 400, "channels"),
        ("POST /subscriptions", {"endpoint": "ftp://here"}, 400, "endpoint"),
        ("POST /calls", ["a", "list"], 400, "object"),
    ],
)
async def test_an_invalid_request_is_reported_with_its_field(control, asked, body, status, named):
    answered, answer = await control.ask(*asked.split(), body)
    assert answered == status
    assert named in answer["error"]


async def test_a_body_that_is_not_json_is_reported(simulator):
    async with aiohttp.ClientSession() as session, session.post(f"{simulator.control}/calls", data="{") as response:
        assert response.status == 400
        assert "JSON" in (await response.json())["error"]


async def test_an_ended_recording_cannot_be_made_longer(control, client):
    recording = await recorded(control, client)
    for verb, body in (("advance", {"seconds": 1}), ("cut", {})):
        status, answer = await control.ask("POST", f"/recordings/{recording['recordingId']}/{verb}", body)
        assert (status, answer) == (409, {"error": "the recording has ended"})


async def test_downloads_are_counted(control, client):
    recording = await recorded(control, client)
    (chunk,) = recording["chunks"]
    for _ in range(2):
        await (await client.download_recording(chunk["contentLocation"], headers={"Range": "bytes=0-9"})).read()
    (chunk,) = (await control.get(f"/recordings/{recording['recordingId']}"))["chunks"]
    assert (chunk["downloads"], chunk["bytesSent"], chunk["deletedAt"]) == (2, 20, None)


async def test_chunks_added_to_a_recording_belong_to_its_call(control, client):
    recording = await recorded(control, client)
    made = await control.post("/documents", size=1000, recordingId=recording["recordingId"], index=1)
    assert (made["callId"], made["serverCallId"]) == (recording["callId"], recording["serverCallId"])
    chunks = (await control.get(f"/recordings/{recording['recordingId']}"))["chunks"]
    assert [chunk["index"] for chunk in chunks] == [0, 1]


async def test_calls_are_listed_with_their_participants(control):
    call = await control.post("/calls", participants=[{"name": "Ada"}])
    joined = await control.post(f"/calls/{call['callId']}/participants", name="Bob")
    (listed,) = await control.get("/calls")
    assert [one["name"] for one in listed["participants"]] == ["Ada", "Bob"]
    await control.delete(f"/calls/{call['callId']}/participants/{joined['participantId']}")
    assert [one["name"] for one in (await control.get(f"/calls/{call['callId']}"))["participants"]] == ["Ada"]
    await control.post(f"/calls/{call['callId']}/end")
    status, answer = await control.ask("POST", f"/calls/{call['callId']}/participants", {})
    assert (status, answer["error"]) == (409, "the call has ended")
