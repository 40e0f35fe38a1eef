"""Every fault happens as requested. If these tests fail, other tests could pass without their fault."""

import asyncio
import json
import time

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from tests.local.acs.clients import downloaded, recorded

MIXED_WAV = {"recording_content_type": "audio", "recording_format_type": "wav"}


@pytest.fixture
async def call(control):
    return await control.post("/calls")


@pytest.fixture
async def recording_id(client, call):
    return (await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)).recording_id


@pytest.fixture
async def chunk(control):
    made = await control.post("/documents", size=3_000_000)
    return made["chunks"][0]


@pytest.fixture
async def original(control, chunk):
    return await control.get(f"/documents/{chunk['documentId']}/content")


async def test_throttling_has_retry_after(control, client, recording_id):
    await control.post("/faults", operation="get", kind="throttle", retryAfter=7)
    with pytest.raises(HttpResponseError) as failure:
        await client.get_recording_properties(recording_id)
    assert failure.value.status_code == 429
    assert failure.value.response.headers["Retry-After"] == "7"
    assert (await client.get_recording_properties(recording_id)).recording_state == "active"
    (fault,) = await control.get("/faults")
    assert fault["fired"] == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_lasts_as_long_as_requested(control, client, chunk, status):
    await control.post("/faults", operation="download", kind="serverError", status=status, times=2)
    for _ in range(2):
        with pytest.raises(HttpResponseError) as failure:
            await client.download_recording(chunk["contentLocation"])
        assert failure.value.status_code == status
        assert "Retry-After" not in failure.value.response.headers
    assert len(await downloaded(client, chunk["contentLocation"])) == chunk["size"]


async def test_a_fault_without_end_lasts_until_it_is_removed(control, client, recording_id):
    fault = await control.post("/faults", operation="get", kind="serverError", times=0)
    for _ in range(3):
        with pytest.raises(HttpResponseError):
            await client.get_recording_properties(recording_id)
    await control.delete(f"/faults/{fault['id']}")
    assert (await client.get_recording_properties(recording_id)).recording_state == "active"


async def test_a_fault_can_end_some_time_after_it_first_happened(control, client, recording_id):
    await control.post("/faults", operation="get", kind="serverError", times=0, withinSeconds=0.3)
    with pytest.raises(HttpResponseError):
        await client.get_recording_properties(recording_id)
    async with asyncio.timeout(10):
        while True:
            try:
                found = await client.get_recording_properties(recording_id)
            except HttpResponseError:
                continue
            break
    assert found.recording_state == "active"


async def test_html_instead_of_json_breaks_the_sdks_parsing(control, client, call):
    await control.post("/faults", operation="start", kind="html", contentType="application/json")
    with pytest.raises((DecodeError, HttpResponseError)) as failure:
        await client.start_recording(server_call_id=call["serverCallId"])
    assert failure.value.response.status_code == 400
    await control.post("/faults", operation="start", kind="html")
    with pytest.raises(HttpResponseError) as failure:
        await client.start_recording(server_call_id=call["serverCallId"])
    assert failure.value.response.headers["Content-Type"].startswith("text/html")


async def test_unauthorized_happens_once(control, client, chunk):
    await control.post("/faults", operation="download", kind="unauthorized")
    with pytest.raises(ClientAuthenticationError):
        await client.download_recording(chunk["contentLocation"])
    assert len(await downloaded(client, chunk["contentLocation"])) == chunk["size"]


async def test_any_acs_error_can_be_answered(control, client, recording_id):
    await control.post("/faults", operation="pause", kind="error", status=412, code="7777", message="Why not")
    with pytest.raises(HttpResponseError) as failure:
        await client.pause_recording(recording_id)
    assert failure.value.status_code == 412
    assert json.loads(failure.value.response.text())["error"] == {"code": "7777", "message": "Why not"}


async def test_a_stop_can_succeed_although_its_answer_is_not_found(control, client, hook, recording_id):
    await control.post("/faults", operation="stop", kind="error", status=404, code="8522", applied=True)
    with pytest.raises(HttpResponseError) as failure:
        await client.stop_recording(recording_id)
    assert failure.value.status_code == 404
    (event,) = await hook.next()
    assert event["subject"].endswith(recording_id)


async def test_a_start_can_be_accepted_only(control, client, call):
    await control.post("/faults", operation="start", kind="accepted")
    statuses = []
    await client.start_recording(
        server_call_id=call["serverCallId"],
        raw_response_hook=lambda answer: statuses.append(answer.http_response.status_code),
    )
    assert statuses == [202]


async def test_a_short_body_ends_before_its_declared_length(control, client, chunk):
    await control.post("/faults", operation="download", kind="short", bytes=1_000_000)
    response = await client.download_recording(chunk["contentLocation"])
    assert response.headers["Content-Length"] == str(chunk["size"])
    with pytest.raises(IncompleteReadError):
        await response.read()
    (entry,) = await control.get(f"/requests?documentId={chunk['documentId']}")
    assert entry["bytesSent"] == 1_000_000


async def test_a_short_body_can_declare_its_short_length(control, client, chunk, original):
    await control.post("/faults", operation="download", kind="short", bytes=1_000_000, declared=True)
    assert await downloaded(client, chunk["contentLocation"]) == original[:1_000_000]


async def test_a_connection_is_reset_in_the_middle(control, client, chunk):
    await control.post("/faults", operation="download", kind="reset", bytes=1_500_000)
    with pytest.raises((IncompleteReadError, ServiceResponseError, HttpResponseError)):
        await downloaded(client, chunk["contentLocation"])


async def test_a_connection_is_reset_instead_of_an_answer(control, client, recording_id):
    # aiohttp repeats a GET once by itself if a keep-alive connection breaks, so the fault happens twice.
    await control.post("/faults", operation="get", kind="reset", times=2)
    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        await client.get_recording_properties(recording_id)
    entries = [one for one in await control.get("/requests") if one["fault"] == "reset"]
    assert [entry["status"] for entry in entries] == [None, None]


async def test_an_empty_body_comes_with_200(control, client, chunk):
    await control.post("/faults", operation="download", kind="empty")
    response = await client.download_recording(chunk["contentLocation"], headers={"Range": "bytes=0-99"})
    assert (response.status_code, await response.read()) == (200, b"")


async def test_a_slow_body_is_slow(control, client, chunk):
    await control.post("/faults", operation="download", kind="slow", bytesPerSecond=100_000)
    began = time.monotonic()
    await downloaded(client, chunk["contentLocation"], headers={"Range": "bytes=0-49999"})
    assert time.monotonic() - began > 0.45


async def test_a_redirect_can_lead_to_a_host_outside_the_allow_list(control, client, chunk):
    await control.post("/faults", operation="download", kind="redirect")
    with pytest.raises(HttpResponseError) as failure:
        await client.download_recording(chunk["contentLocation"], permit_redirects=False)
    assert failure.value.response.headers["Location"].startswith("https://media.example.net/v1/objects/")
    await control.post("/faults", operation="download", kind="redirect")
    with pytest.raises(HttpResponseError):
        await client.download_recording(chunk["contentLocation"])
    (entry,) = await control.get("/requests?host=media.example.net")
    assert (entry["hadAuthorization"], entry["status"]) == (False, 404)


async def test_redirects_can_loop(control, client, chunk):
    await control.post("/faults", operation="download", kind="redirect", loop=True, times=0)
    location, hosts = chunk["contentLocation"], []
    for _ in range(3):
        with pytest.raises(HttpResponseError) as failure:
            await client.download_recording(location, permit_redirects=False)
        location = failure.value.response.headers["Location"]
        hosts.append(location.split("/")[2])
    assert hosts == ["us-storage.asm.skype.com", "eu-storage.asm.skype.com", "us-storage.asm.skype.com"]


async def test_media_can_be_an_error_page(control, client, chunk):
    await control.post("/faults", operation="download", kind="htmlBody")
    response = await client.download_recording(chunk["contentLocation"])
    assert response.status_code == 200
    assert (await response.read()).startswith(b"<!DOCTYPE html>")


async def test_one_byte_can_be_changed(control, client, chunk, original):
    await control.post("/faults", operation="download", kind="corrupt", offset=2_000_000, times=2)
    part = await downloaded(client, chunk["contentLocation"], headers={"Range": "bytes=1999990-2000009"})
    differing = [at for at in range(20) if part[at] != original[1_999_990 + at]]
    assert differing == [10]
    whole = await downloaded(client, chunk["contentLocation"])
    assert whole != original
    assert whole[:2_000_000] == original[:2_000_000]
    assert whole[2_000_001:] == original[2_000_001:]


async def test_a_range_can_be_ignored(control, client, chunk, original):
    await control.post("/faults", operation="download", kind="ignoreRange")
    response = await client.download_recording(chunk["contentLocation"], headers={"Range": "bytes=0-99"})
    assert response.status_code == 200
    assert b"".join([piece async for piece in response.iter_raw()]) == original


async def test_metadata_can_be_that_of_another_chunk(control, client):
    made = await control.post("/documents", size=1000, count=2)
    first, second = made["chunks"]
    await control.post("/faults", operation="metadata", kind="swapMetadata", documentId=first["documentId"])
    assert json.loads(await downloaded(client, first["metadataLocation"])) == second["metadata"]
    assert json.loads(await downloaded(client, first["metadataLocation"])) == first["metadata"]


async def test_siblings_have_the_same_index_and_other_bytes(control, client, hook):
    await control.post("/faults", operation="event", kind="siblings")
    recording = await recorded(control, client)
    (event,) = await hook.next()
    one, other = event["data"]["recordingStorageInfo"]["recordingChunks"]
    assert one["index"] == other["index"]
    assert one["documentId"] != other["documentId"]
    recording = await control.get(f"/recordings/{recording['recordingId']}")
    assert len({chunk["sha256"] for chunk in recording["chunks"]}) == 2
    for chunk in recording["chunks"]:
        assert len(await downloaded(client, chunk["contentLocation"])) == chunk["size"]


@pytest.mark.parametrize("operation", ["start", "event"])
async def test_an_event_can_arrive_before_the_answer_to_the_start(control, client, hook, call, operation):
    await control.post("/faults", operation=operation, kind="eventBeforeAnswer", callId=call["callId"])
    started = await client.start_recording(server_call_id=call["serverCallId"], **MIXED_WAV)
    events = [event for event in hook.received if "Recording" in event["eventType"]]
    assert [event["subject"].endswith(started.recording_id) for event in events] == [True]
    assert started.recording_state == "active"


async def test_an_event_can_be_suppressed(control, client, hook):
    await control.post("/faults", operation="event", kind="eventNever")
    silent = await recorded(control, client)
    spoken = await recorded(control, client)
    (event,) = await hook.next()
    assert event["subject"].endswith(spoken["recordingId"])
    assert silent["recordingId"] not in json.dumps(hook.received)


async def test_an_event_can_be_delivered_many_times(control, client, hook):
    await control.post("/faults", operation="event", kind="duplicate", copies=5)
    await recorded(control, client)
    assert len(await hook.next(5)) == 5


async def test_an_answer_can_be_delayed(control, client, recording_id):
    await control.post("/faults", operation="get", kind="delayAnswer", seconds=30)
    slow = asyncio.create_task(client.get_recording_properties(recording_id))
    assert (await client.pause_recording(recording_id)) is None
    assert not slow.done()
    slow.cancel()


async def test_a_fault_affects_only_its_target(control, client):
    made = await control.post("/documents", size=1000, count=2)
    first, second = made["chunks"]
    await control.post("/faults", operation="delete", kind="serverError", documentId=second["documentId"])
    await client.delete_recording(first["deleteLocation"])
    with pytest.raises(HttpResponseError):
        await client.delete_recording(second["deleteLocation"])
    await client.delete_recording(second["deleteLocation"])


async def test_a_fault_can_skip_the_first_requests(control, client, chunk):
    await control.post("/faults", operation="download", kind="serverError", skip=2)
    outcomes = []
    for _ in range(4):
        try:
            await downloaded(client, chunk["contentLocation"], headers={"Range": "bytes=0-9"})
            outcomes.append("good")
        except HttpResponseError:
            outcomes.append("bad")
    assert outcomes == ["good", "good", "bad", "good"]


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"operation": "get", "kind": "siblings"}, "operation"),
        ({"operation": "download", "kind": "swapMetadata"}, "operation"),
        ({"operation": "event", "kind": "throttle"}, "operation"),
        ({"operation": "download", "kind": "explode"}, "kind"),
        ({"operation": "download", "kind": "slow"}, "bytesPerSecond"),
        ({"operation": "download", "kind": "empty", "bytes": 7}, "bytes"),
        ({"operation": "download", "kind": "short", "byte": 7}, "byte"),
        ({"operation": "download", "kind": "short", "times": -1}, "times"),
    ],
)
async def test_an_impossible_fault_is_refused_with_the_field(control, order, named):
    status, answer = await control.ask("POST", "/faults", order)
    assert status == 400
    assert named in answer["error"]
    assert await control.get("/faults") == []
