"""An event that is misread is a recording that is lost or archived under another's name."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.events.recording_event import UnreadableEvent, event_type, read_event

EVENTS = Path(__file__).parents[2] / "events"
READABLE = sorted(
    path.stem for path in EVENTS.glob("*.json") if not path.stem.startswith(("broken", "other-type", "own-storage"))
)
BROKEN = sorted(path.stem for path in EVENTS.glob("broken-*.json"))


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", READABLE)
def test_every_version_of_the_event_gives_its_chunks_and_their_locations(name: str):
    event, text = read_event(load(name)), (EVENTS / f"{name}.json").read_text()
    assert event.files.chunks
    for chunk in event.files.chunks:
        assert chunk.document_id in chunk.content_location
        if name == "odd-locations":
            assert (chunk.metadata_location, chunk.delete_location) == (None, None)
            continue
        assert (chunk.metadata_location or "").endswith("/acsmetadata")
        deletes = "eleteLocation" in text
        assert (chunk.delete_location or "").startswith("https://us-storage.asm.skype.com/" if deletes else "")
        assert (chunk.delete_location is not None) == deletes
    timed = "2026-11-21T09:07:11" in text
    assert event.event_time == (datetime(2026, 11, 21, 9, 7, 11, 765432, tzinfo=UTC) if timed else None)


@pytest.mark.parametrize("name", BROKEN)
def test_an_event_without_the_required_fields_is_unreadable(name: str):
    with pytest.raises(UnreadableEvent, match=r"recordingChunks|documentId"):
        read_event(load(name))


def test_a_current_subject_contains_call_and_recording_even_with_slashes_in_the_server_call_id():
    subject = load("current")["subject"]
    event = read_event(load("current"))
    assert event.server_call_id is not None
    assert "/" in event.server_call_id, "the fixture must have the hard case"
    assert subject == (
        f"/recording/call/{event.call_id}/serverCallId/{event.server_call_id}/recordingId/{event.recording_id}"
    )


def test_older_subjects_contain_fewer_ids():
    assert read_event(load("without-server-call")).server_call_id is None
    assert read_event(load("without-server-call")).recording_id is not None
    assert read_event(load("without-recording")).recording_id is None
    assert read_event(load("without-recording")).server_call_id is not None
    call_only = read_event(load("call-only"))
    assert (call_only.recording_id, call_only.server_call_id) == (None, None)
    assert call_only.call_id == "411f6d00-0782-4bc2-8a27-9c33e3e0c9c1"


def test_the_recording_id_in_the_data_is_used_if_the_subject_has_none():
    event = read_event(load("recording-in-data"))
    assert event.recording_id == load("recording-in-data")["data"]["recordingId"]


def test_an_unknown_subject_loses_no_chunk():
    event = read_event(load("current") | {"subject": "something/else"})
    assert event.recording_id is None
    assert len(event.files.chunks) == 1


@pytest.mark.parametrize("name", ["current", "other-casing", "cloud-event"])
def test_types_match_in_any_casing(name: str):
    files = read_event(load(name)).files
    kinds = (files.recording_content_type, files.recording_channel_type, files.recording_format_type)
    assert kinds == ("audioVideo", "mixed", "mp4")


def test_types_may_be_missing():
    files = read_event(load("without-types")).files
    assert files.recording_format_type is None


def test_all_chunks_are_read_and_a_repeated_chunk_counts_once():
    event = load("several-chunks")
    chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
    chunks.append(dict(chunks[0]))
    assert [chunk.index for chunk in read_event(event).files.chunks] == [0, 1, 2]


def test_two_documents_with_one_index_are_two_chunks():
    chunks = read_event(load("siblings")).files.chunks
    assert [chunk.index for chunk in chunks] == [0, 0]
    assert len({chunk.document_id for chunk in chunks}) == 2


def changed(place: str, value: Any, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """An event with another value at one place; `data.x` and `chunk.x` are inside. GONE takes the field away."""
    event = event or load("current")
    inside, _, name = place.rpartition(".")
    chunk = event["data"]["recordingStorageInfo"]["recordingChunks"][0]
    holder = {"": event, "data": event["data"], "chunk": chunk}[inside]
    if value is GONE:
        del holder[name]
    else:
        holder[name] = value
    return event


GONE = object()
ODD = [
    None,
    "",
    " ",
    0.5,
    -1,
    True,
    [],
    {},
    [1],
    {"a": 1},
    "0001-01-01T00:00:00Z",
    "\ud800",
    "a\u0000b",
    10**400,
    1e308,
]
OPTIONAL = {
    "id": lambda event: event.event_id,
    "eventTime": lambda event: event.event_time,
    "subject": lambda event: event.recording_id,
    "data.recordingStartTime": lambda event: event.files.recording_start_time,
    "data.recordingDurationMs": lambda event: event.files.recording_duration_ms,
    "data.recordingContentType": lambda event: event.files.recording_content_type,
    "data.recordingChannelType": lambda event: event.files.recording_channel_type,
    "data.recordingFormatType": lambda event: event.files.recording_format_type,
    "data.sessionEndReason": lambda event: event.files.session_end_reason,
    "data.recordingId": lambda event: None,  # noqa: ARG005 - the subject names it
    "chunk.index": lambda event: event.files.chunks[0].index,
    "chunk.endReason": lambda event: event.files.chunks[0].end_reason,
    "chunk.metadataLocation": lambda event: event.files.chunks[0].metadata_location,
    "chunk.deleteLocation": lambda event: event.files.chunks[0].delete_location,
}


@pytest.mark.parametrize("place", OPTIONAL)
@pytest.mark.parametrize("value", [*ODD, GONE], ids=lambda value: "gone" if value is GONE else repr(value)[:20])
def test_an_invalid_optional_field_never_loses_the_chunk(place: str, value: Any):
    whole = read_event(load("current"))
    if value is GONE and place == "data.recordingId":
        return
    event = read_event(changed(place, value))
    (chunk,) = event.files.chunks
    assert chunk.content_location == whole.files.chunks[0].content_location
    read = OPTIONAL[place](event)
    reported = value not in (None, GONE) and place.rpartition(".")[2] in " ".join(event.unknown)
    match place:
        case "id":
            assert read
        case "chunk.index":
            assert read == 0
        case _ if isinstance(value, str) and value.isprintable() and value.strip():
            pass  # a word of an open set may be any
        case _:
            assert read is None
            assert reported or value in (None, GONE)
    others = {name: take for name, take in OPTIONAL.items() if name not in {place, "id"}}
    assert [take(event) for take in others.values()] == [take(whole) for take in others.values()]


@pytest.mark.parametrize(
    ("place", "value", "read"),
    [
        ("data.recordingDurationMs", "6620", 6620),
        ("data.recordingDurationMs", 6620.0, 6620),
        ("data.recordingDurationMs", 6620.5, None),
        ("data.recordingDurationMs", 10**30, None),
        ("data.recordingStartTime", "2026-11-21T09:05:28", datetime(2026, 11, 21, 9, 5, 28, tzinfo=UTC)),
        ("data.recordingStartTime", "2026-11-21T10:05:28.1234567+01:00", datetime(2026, 11, 21, 9, 5, 28, 123456, UTC)),
        ("data.recordingStartTime", "9999-12-31T23:59:59-14:00", None),
        ("data.recordingStartTime", 1760000000, None),
        ("eventTime", "2026-11-21 09:07:11z", datetime(2026, 11, 21, 9, 7, 11, tzinfo=UTC)),
        ("eventTime", "yesterday", None),
        ("data.recordingFormatType", 2, None),
        ("data.recordingFormatType", "x" * 300, None),
        ("data.sessionEndReason", "beendet \u2013 Ende", "beendet \u2013 Ende"),
        ("chunk.index", "3", 3),
        ("chunk.index", 3.0, 3),
        ("subject", "/recording/call/c/recordingId/" + "r" * 2000, None),
        ("subject", "/recording/call/c\u0130/serverCallId/abc/recordingId/xyz", None),
    ],
)
def test_unusual_but_unambiguous_values_are_read(place: str, value: Any, read: Any):
    assert OPTIONAL[place](read_event(changed(place, value))) == read


def test_names_match_in_any_casing_and_the_usual_one_first():
    event = load("current")
    chunk = event["data"]["recordingStorageInfo"]["recordingChunks"][0]
    usual = chunk["contentLocation"]
    chunk["CONTENTLOCATION"] = "https://storage.asm.skype.com/other"
    chunk["documentid"], chunk["documentId"] = chunk["documentId"], None
    event["EVENTTIME"], event["eventTime"] = event["eventTime"], ""
    read = read_event(event)
    assert (read.files.chunks[0].content_location, read.unknown) == (usual, ())
    assert read.event_time == datetime(2026, 11, 21, 9, 7, 11, 765432, tzinfo=UTC)


def test_an_event_without_an_id_gets_the_same_id_at_every_delivery():
    event = changed("id", GONE)
    dead = {**event, "deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30, "metadataVersion": "2"}
    other = changed("chunk.endReason", "Other", changed("id", GONE))
    assert read_event(event).event_id == read_event(dead).event_id != read_event(other).event_id


@pytest.mark.parametrize(
    "bad",
    [17, None, {}, {"documentId": "d"}, {"documentId": 7, "contentLocation": "https://x"}, {"documentId": "\u00e4"}],
)
def test_an_invalid_chunk_is_reported_and_loses_none_of_the_others(bad: Any):
    event = load("several-chunks")
    event["data"]["recordingStorageInfo"]["recordingChunks"][1] = bad
    read = read_event(event)
    assert [chunk.index for chunk in read.files.chunks] == [0, 2]
    (reported,) = read.unread
    assert "recordingChunks.1" in reported


def test_the_index_of_a_chunk_defaults_to_its_position():
    event = load("several-chunks")
    del event["data"]["recordingStorageInfo"]["recordingChunks"][1]["index"]
    assert [chunk.index for chunk in read_event(event).files.chunks] == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"data": "text"}, "recordingChunks"),
        ({"data": None}, "recordingChunks"),
        ({"data": {}}, "recordingChunks"),
        ({"data": {"recordingStorageInfo": {"recordingChunks": {"a": 1}}}}, "recordingChunks.0.documentId"),
        ({"data": {"recordingStorageInfo": {"recordingChunks": [17]}}}, "recordingChunks.0.contentLocation"),
    ],
)
def test_the_invalid_field_of_an_event_is_named(change: dict[str, Any], field: str):
    with pytest.raises(UnreadableEvent) as raised:
        read_event(load("current") | change)
    assert field in str(raised.value)


def test_the_type_is_found_in_both_schemas():
    assert event_type(load("current")) == event_type(load("cloud-event"))
    assert event_type({"data": {}}) == ""
    assert event_type({"eventType": 7}) == ""


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("contoso.blob.core.windows.net", True),
        ("CONTOSO.BLOB.CORE.USGOVCLOUDAPI.NET", True),
        ("contoso.blob.core.chinacloudapi.cn", True),
        ("contoso.z01.blob.storage.azure.net", True),
        ("storage.asm.skype.com", False),
        ("blob.core.windows.net.example.com", False),
    ],
)
def test_files_in_the_customer_s_own_storage_are_recognized_by_their_location(host: str, own: bool):
    event = read_event(changed("chunk.contentLocation", f"https://{host}/recordings/0-video.mp4"))
    assert (event.own_storage, len(event.files.chunks)) == (own, 0 if own else 1)


@pytest.mark.parametrize(
    ("storage_type", "own"),
    [("AzureBlob", True), ("azureBlobStorage", True), ("AcsStorage", False), ("AzureCommunicationServices", False)]
    + [(odd, False) for odd in (None, "", 1, {})],
)
def test_files_in_the_customer_s_own_storage_are_recognized_by_the_storage_type(storage_type: Any, own: bool):
    event = read_event(changed("data.storageType", storage_type))
    assert (event.own_storage, len(event.files.chunks)) == (own, 0 if own else 1)


def test_a_chunk_in_acs_s_store_is_read_beside_one_in_the_customer_s():
    event = load("several-chunks")
    first = event["data"]["recordingStorageInfo"]["recordingChunks"][0]
    first["contentLocation"] = "https://contoso.blob.core.windows.net/recordings/0-video.mp4"
    read = read_event(event)
    assert (read.own_storage, [chunk.index for chunk in read.files.chunks]) == (True, [1, 2])
