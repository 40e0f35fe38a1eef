"""The simulated REST API, called by the real SDK. If these tests fail, the product is tested against a wrong ACS."""

import json

import pytest
from azure.communication.callautomation import ChannelAffinity, CommunicationUserIdentifier
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

MIXED_WAV = {"recording_content_type": "audio", "recording_format_type": "wav"}
UNMIXED = {"recording_content_type": "audio", "recording_channel_type": "unmixed", "recording_format_type": "wav"}


def error_of(failure):
    return json.loads(failure.value.response.text())["error"]


@pytest.mark.parametrize(
    ("kind", "argument", "field"),
    [
        ("twoParty", "server_call_id", "serverCallId"),
        ("twoParty", "call_connection_id", "callConnectionId"),
        ("group", "group_call_id", "groupCallId"),
        ("room", "room_id", "roomId"),
    ],
)
async def test_a_recording_starts_with_any_locator_of_its_call(control, client, kind, argument, field):
    call = await control.post("/calls", kind=kind)
    started = await client.start_recording(**{argument: call[field]})
    assert started.recording_state == "active"
    assert started.recording_kind == "azureCommunicationServices"
    recording = await control.get(f"/recordings/{started.recording_id}")
    assert recording["callId"] == call["callId"]
    assert (recording["contentType"], recording["channelType"], recording["formatType"]) == (
        "audioVideo",
        "mixed",
        "mp4",
    )


async def test_a_paused_recording_is_inactive_until_it_is_resumed(control, client):
    call = await control.post("/calls")
    recording_id = (await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)).recording_id
    await client.pause_recording(recording_id)
    assert (await client.get_recording_properties(recording_id)).recording_state == "inactive"
    await client.resume_recording(recording_id)
    assert (await client.get_recording_properties(recording_id)).recording_state == "active"


async def test_a_recording_with_pause_on_start_starts_paused(control, client):
    call = await control.post("/calls")
    started = await client.start_recording(server_call_id=call["serverCallId"], pause_on_start=True, **MIXED_WAV)
    assert started.recording_state == "inactive"


async def test_a_stopped_recording_is_forgotten(control, client):
    call = await control.post("/calls")
    recording_id = (await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)).recording_id
    await client.stop_recording(recording_id)
    operations = (
        client.get_recording_properties,
        client.stop_recording,
        client.pause_recording,
        client.resume_recording,
    )
    for operation in operations:
        with pytest.raises(ResourceNotFoundError) as failure:
            await operation(recording_id)
        assert error_of(failure)["code"] == "8522"


async def test_the_end_of_a_call_ends_its_recordings(control, client):
    call = await control.post("/calls")
    recording_id = (await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)).recording_id
    await control.post(f"/calls/{call['callId']}/end")
    recording = await control.get(f"/recordings/{recording_id}")
    assert recording["recordingState"] == "inactive"
    assert recording["sessionEndReason"] == "CallEnded"
    with pytest.raises(HttpResponseError) as failure:
        await client.start_recording(server_call_id=call["serverCallId"])
    assert (failure.value.status_code, error_of(failure)["code"]) == (400, "8528")
    for operation in (client.stop_recording, client.pause_recording, client.resume_recording):
        with pytest.raises(HttpResponseError) as failure:
            await operation(recording_id)
        assert (failure.value.status_code, error_of(failure)["code"]) == (400, "8528")
    with pytest.raises(ResourceNotFoundError):
        await client.get_recording_properties(recording_id)


async def test_one_recording_of_a_type_per_call(control, client):
    call = await control.post("/calls")
    first = await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)
    await client.start_recording(server_call_id=call["serverCallId"], **UNMIXED)
    with pytest.raises(HttpResponseError) as failure:
        await client.start_recording(
            server_call_id=call["serverCallId"], recording_content_type="audio", recording_format_type="mp3"
        )
    assert failure.value.status_code == 400
    assert error_of(failure)["code"] == "8553"
    await client.stop_recording(first.recording_id)
    again = await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)
    assert again.recording_id != first.recording_id


async def test_an_unknown_call_is_not_found(client):
    with pytest.raises(ResourceNotFoundError) as failure:
        await client.start_recording(server_call_id="aHR0cHM6Ly9ub3doZXJl")
    assert error_of(failure) == {"code": "8522", "message": "Call not found."}


async def test_a_call_id_instead_of_a_server_call_id_gets_the_base_64_error(control, client):
    call = await control.post("/calls")
    with pytest.raises(HttpResponseError) as failure:
        await client.start_recording(server_call_id=call["callId"])
    assert failure.value.status_code == 400
    assert error_of(failure)["code"] == "8523"
    assert "Base-64" in error_of(failure)["message"]


PARTICIPANT = CommunicationUserIdentifier("8:acs:one")


@pytest.mark.parametrize(
    "options",
    [
        {"recording_channel_type": "unmixed", "recording_format_type": "mp4"},
        {"recording_channel_type": "unmixed", "recording_content_type": "audioVideo"},
        {"recording_content_type": "audioVideo", "recording_format_type": "wav"},
        {"recording_content_type": "audio", "recording_format_type": "mp4"},
        {"recording_content_type": "smell"},
        {"audio_channel_participant_ordering": [PARTICIPANT]},
        {"channel_affinity": [ChannelAffinity(target_participant=PARTICIPANT, channel=0)]},
        {**UNMIXED, "audio_channel_participant_ordering": [PARTICIPANT] * 6},
        {**UNMIXED, "channel_affinity": [ChannelAffinity(target_participant=PARTICIPANT, channel=5)]},
        {**UNMIXED, "channel_affinity": [ChannelAffinity(target_participant=PARTICIPANT, channel=1)] * 2},
        {"recording_state_callback_url": "http://callvault.example.net/callback"},
    ],
)
async def test_combinations_that_acs_does_not_support_are_refused(control, client, options):
    call = await control.post("/calls")
    with pytest.raises(HttpResponseError) as failure:
        await client.start_recording(server_call_id=call["serverCallId"], **options)
    assert failure.value.status_code == 400
    assert error_of(failure)["code"] == "8523"
    assert await control.get("/recordings") == []


async def test_channels_follow_affinity_then_ordering_then_arrival(control, client):
    call = await control.post("/calls", participants=4)
    ids = [one["participantId"] for one in call["participants"]]
    started = await client.start_recording(
        server_call_id=call["serverCallId"],
        channel_affinity=[ChannelAffinity(target_participant=CommunicationUserIdentifier(ids[0]), channel=2)],
        audio_channel_participant_ordering=[CommunicationUserIdentifier(ids[3])],
        **UNMIXED,
    )
    await client.stop_recording(started.recording_id)
    (chunk,) = (await control.get(f"/recordings/{started.recording_id}"))["chunks"]
    channels = {one["participantId"]: one["channel"] for one in chunk["metadata"]["participants"]}
    assert channels == {ids[0]: 2, ids[3]: 0, ids[1]: 1, ids[2]: 3}
    assert chunk["metadata"]["recordingInfo"]["audioConfiguration"]["channels"] == 4


async def test_the_same_start_sent_twice_starts_once(control, client):
    call = await control.post("/calls")
    headers = {"Repeatability-Request-ID": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}
    options = {**MIXED_WAV, "server_call_id": call["serverCallId"]}
    first = await client.start_recording(**options, headers=dict(headers))
    second = await client.start_recording(**options, headers=dict(headers))
    assert second.recording_id == first.recording_id
    assert len(await control.get("/recordings")) == 1
    with pytest.raises(HttpResponseError) as failure:
        await client.start_recording(server_call_id=call["serverCallId"], headers=dict(headers))
    assert failure.value.status_code == 400


async def test_a_refused_start_may_be_repeated(control, client):
    call = await control.post("/calls")
    headers = {"Repeatability-Request-ID": "9a4e28ba-2fa1-11d2-883f-0016d3cca427"}
    options = {**MIXED_WAV, "server_call_id": call["serverCallId"]}
    running = await client.start_recording(**options)
    with pytest.raises(HttpResponseError):
        await client.start_recording(**options, headers=dict(headers))
    await client.stop_recording(running.recording_id)
    assert (await client.start_recording(**options, headers=dict(headers))).recording_state == "active"
