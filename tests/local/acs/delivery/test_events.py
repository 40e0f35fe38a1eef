"""Events and their delivery. If these tests fail, repeated, delayed and invalid events aren't tested."""

import pytest
from azure.communication.callautomation import AzureBlobContainerRecordingStorage

from tests.local.acs.clients import eventually, recorded
from tests.local.acs.webhook import webhook


async def test_the_event_of_a_recording_lists_its_chunks(control, client, hook):
    recording = await recorded(control, client)
    (event,) = await hook.next()
    assert event["eventType"] == "Microsoft.Communication.RecordingFileStatusUpdated"
    assert event["subject"] == (
        f"/recording/call/{recording['callId']}/serverCallId/{recording['serverCallId']}/recordingId/{recording['recordingId']}"
    )
    (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
    names = ("documentId", "index", "endReason", "contentLocation", "metadataLocation", "deleteLocation")
    assert chunk == {name: recording["chunks"][0][name] for name in names}
    assert event["data"]["recordingDurationMs"] == recording["durationMs"]
    assert event["data"]["recordingStartTime"] == recording["startedAt"]
    types = [event["data"][f"recording{kind}Type"] for kind in ("Content", "Channel", "Format")]
    assert types == ["Audio", "Mixed", "Wav"]
    headers = hook.headers[-1]
    assert headers["aeg-event-type"] == "Notification"
    assert headers["aeg-delivery-count"] == "0"
    assert headers["aeg-subscription-name"].startswith("LOCAL-")


@pytest.mark.parametrize(
    ("vintage", "form"),
    [
        ("2023", "/recording/call/{callId}/recordingId/{recordingId}"),
        ("2021-serverCallId", "/recording/call/{callId}/serverCallId/{serverCallId}"),
        ("2021", "/recording/call/{callId}"),
    ],
)
async def test_older_subjects_have_fewer_ids(control, client, hook, vintage, form):
    call = await control.post("/calls", vintage=vintage, omitTypes=True)
    recording = await recorded(control, client, call=call)
    (event,) = await hook.next()
    assert event["subject"] == form.format(**recording)
    assert not [name for name in event["data"] if name.endswith("Type")]


TYPES = {"recordingContentType", "recordingChannelType", "recordingFormatType"}


async def published(control, vintage, **order):
    made = await control.post("/documents", size=1000, count=2, announce=False, vintage=vintage, **order)
    return made, made["event"]["data"], made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]


async def test_events_of_2021_have_no_delete_location_and_no_types(control):
    made, data, chunks = await published(control, "2021-noDelete")
    assert not TYPES & set(data)
    assert [set(chunk) for chunk in chunks] == [
        {"documentId", "index", "endReason", "contentLocation", "metadataLocation"}
    ] * 2
    _, data, chunks = await published(control, "2021-04")
    assert not TYPES & set(data)
    assert [set(chunk) for chunk in chunks] == [{"documentId"}] * 2
    assert made["recordingId"] in made["event"]["subject"]


async def test_the_published_sample_deletes_another_document(control):
    made, _, chunks = await published(control, "sample")
    one, other = made["chunks"]
    assert chunks[0]["deleteLocation"] == other["deleteLocation"]
    assert one["documentId"] not in chunks[0]["deleteLocation"]
    assert other["documentId"] not in chunks[1]["deleteLocation"]


async def test_an_event_of_ones_own_storage_may_have_acs_s_addresses(control):
    made, data, chunks = await published(control, "byos")
    assert (data["storageType"], data["recordingId"]) == ("AzureBlob", made["recordingId"])
    assert chunks[0]["contentLocation"] == made["chunks"][0]["contentLocation"]


async def test_a_typed_client_writes_its_defaults(control):
    _, data, chunks = await published(control, "typedClient")
    assert data["recordingStartTime"] == "0001-01-01T00:00:00"
    assert (data["recordingContentType"], data["sessionEndReason"], chunks[0]["endReason"]) == (1, "", "")


async def test_a_cloud_event_is_delivered_alone_in_its_own_schema(control, hook):
    made = await control.post("/documents", size=1000, vintage="cloudEvents")
    (event,) = await hook.next()
    assert event == made["event"]
    assert (event["specversion"], event["type"]) == ("1.0", "Microsoft.Communication.RecordingFileStatusUpdated")
    assert "eventType" not in event
    assert hook.headers[-1]["Content-Type"].startswith("application/cloudevents+json")


async def test_some_events_have_no_start_time(control):
    times = [(await published(control, "current", seed=seed, oddities=True))[1] for seed in range(8)]
    none = [seed for seed, data in enumerate(times) if data["recordingStartTime"] == "0001-01-01T00:00:00+00:00"]
    assert none == [2]
    _, data, _ = await published(control, "current", seed=2)
    assert data["recordingStartTime"].startswith("20"), "the tests' simulator has no oddities unless asked"


async def test_a_refused_delivery_is_retried_with_its_count(control, hook):
    hook.statuses = [503, 500, 200]
    await control.post("/documents", size=1000)
    first, second, third = await hook.next(3)
    assert first == second == third
    assert [headers["aeg-delivery-count"] for headers in hook.headers] == ["0", "1", "2"]

    async def delivered():
        (published,) = await control.get("/events")
        return published if published["pending"] == 0 else None

    published = await eventually(delivered)
    assert [one["status"] for one in published["deliveries"]] == [503, 500, 200]


@pytest.mark.parametrize("status", [400, 413])
async def test_a_permanently_refused_delivery_is_not_retried(control, hook, status):
    hook.statuses = [status]
    await control.post("/documents", size=1000)

    async def given_up():
        (published,) = await control.get("/events")
        return published if published["pending"] == 0 else None

    published = await eventually(given_up)
    assert [one["status"] for one in published["deliveries"]] == [status]


async def test_a_subscription_needs_a_handshake(control):
    async with webhook() as stranger:
        stranger.validates = False
        status, answer = await control.ask("POST", "/subscriptions", {"endpoint": stranger.url})
        assert status == 400
        assert "validationResponse" in answer["error"]
        assert await control.get("/subscriptions") == []


async def test_the_handshake_may_be_plain_text_as_from_the_functions_host(control):
    async with webhook() as plain:
        plain.media_type = "text/plain"
        await control.post("/subscriptions", endpoint=plain.url)


async def test_an_unreachable_endpoint_is_refused_with_the_reason(control):
    status, answer = await control.ask("POST", "/subscriptions", {"endpoint": "http://127.0.0.1:9/none"})
    assert status == 400
    assert "didn't answer" in answer["error"]


async def test_a_filter_lets_only_its_types_through(control):
    async with webhook() as choosy:
        await control.post("/subscriptions", endpoint=choosy.url, eventTypes=["Microsoft.Communication.CallEnded"])
        call = await control.post("/calls")
        await control.post(f"/calls/{call['callId']}/end")
        (event,) = await choosy.next(event_type="CallEnded")
        assert [one["eventType"] for one in choosy.received] == ["Microsoft.Communication.CallEnded"]
        assert event["data"]["serverCallId"] == call["serverCallId"]
        assert event["data"]["group"] == {"id": call["groupCallId"]}


async def test_a_call_publishes_its_start_and_a_deleted_subscription_gets_no_more_events(control, hook):
    call = await control.post("/calls", kind="room")
    (event,) = await hook.next(event_type="CallStarted")
    assert event["data"]["room"] == {"id": call["roomId"]}
    assert event["data"]["isTwoParty"] is False
    (subscription,) = await control.get("/subscriptions")
    await control.delete(f"/subscriptions/{subscription['id']}")
    await control.post(f"/calls/{call['callId']}/end")
    assert [one["deliveries"] for one in await control.get("/events")][-1] == []


async def test_an_event_is_delivered_as_often_as_requested(control, client, hook):
    call = await control.post("/calls", repeatEvents=2)
    await recorded(control, client, call=call)
    events = await hook.next(3)
    assert len({event["id"] for event in events}) == 1


async def test_anything_can_be_published_and_delivered_again(control, hook):
    garbage = {"subject": 7, "data": None, "eventType": "Nonsense"}
    published = await control.post("/events", **garbage)
    await control.post(f"/events/{published['id']}/redeliver")
    assert await hook.next(2, event_type="Nonsense") == [garbage, garbage]


async def test_the_answer_has_the_event_of_a_document_that_is_not_announced(control, hook):
    made = await control.post("/documents", size=1000, count=3, announce=False, recordingId="anyId", vintage="2023")
    assert hook.received == []
    assert made["recordingId"] == "anyId"
    chunks = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]
    assert [chunk["index"] for chunk in chunks] == [0, 1, 2]
    assert (await control.get("/recordings/anyId"))["chunks"] == made["chunks"]


async def test_events_of_recordings_to_own_storage_have_its_addresses(control, client, hook):
    container = "https://customer.blob.core.windows.net/recordings"
    call = await control.post("/calls")
    started = await client.start_recording(
        server_call_id=call["serverCallId"],
        recording_storage=AzureBlobContainerRecordingStorage(container_url=container),
    )
    await client.stop_recording(started.recording_id)
    (event,) = await hook.next()
    assert event["data"]["storageType"] == "AzureBlob"
    assert event["data"]["recordingId"] == started.recording_id
    (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
    assert chunk["contentLocation"].startswith(container)
