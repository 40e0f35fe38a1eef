"""An event that is misread is a recording that is lost or archived under another's name."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.events import UnreadableEvent, event_type, read_event

EVENTS = Path(__file__).parent.parent / "events"
READABLE = sorted(path.stem for path in EVENTS.glob("*.json") if not path.stem.startswith(("broken", "other-type")))
BROKEN = sorted(path.stem for path in EVENTS.glob("broken-*.json"))


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", READABLE)
def test_every_vintage_gives_its_chunks_with_all_three_locations(name: str):
    event = read_event(load(name))
    assert event.files.chunks
    for chunk in event.files.chunks:
        assert chunk.document_id in chunk.content_location
        assert chunk.metadata_location.endswith("/acsmetadata")
        assert chunk.delete_location.startswith("https://us-storage.asm.skype.com/")
    assert event.event_time == datetime(2026, 11, 21, 9, 7, 11, 765432, tzinfo=UTC)


@pytest.mark.parametrize("name", BROKEN)
def test_an_event_without_what_makes_a_chunk_a_chunk_is_unreadable(name: str):
    with pytest.raises(UnreadableEvent, match=r"recordingChunks|documentId"):
        read_event(load(name))


def test_today_s_subject_names_call_and_recording_even_with_slashes_in_the_server_call_id():
    subject = load("current")["subject"]
    event = read_event(load("current"))
    assert event.server_call_id is not None
    assert "/" in event.server_call_id, "the fixture must have the hard case"
    assert subject == (
        f"/recording/call/{event.call_id}/serverCallId/{event.server_call_id}/recordingId/{event.recording_id}"
    )


def test_older_subjects_name_what_they_name_and_no_more():
    assert read_event(load("without-server-call")).server_call_id is None
    assert read_event(load("without-server-call")).recording_id is not None
    assert read_event(load("without-recording")).recording_id is None
    assert read_event(load("without-recording")).server_call_id is not None
    call_only = read_event(load("call-only"))
    assert (call_only.recording_id, call_only.server_call_id) == (None, None)
    assert call_only.call_id == "411f6d00-0782-4bc2-8a27-9c33e3e0c9c1"


def test_a_recording_id_in_the_data_serves_where_the_subject_has_none():
    event = read_event(load("recording-in-data"))
    assert event.recording_id == load("recording-in-data")["data"]["recordingId"]


def test_an_unknown_subject_costs_no_chunk():
    event = read_event(load("current") | {"subject": "something/else"})
    assert event.recording_id is None
    assert len(event.files.chunks) == 1


@pytest.mark.parametrize("name", ["current", "other-casing", "cloud-event"])
def test_the_types_are_compared_without_regard_to_case(name: str):
    files = read_event(load(name)).files
    kinds = (files.recording_content_type, files.recording_channel_type, files.recording_format_type)
    assert kinds == ("audioVideo", "mixed", "mp4")


def test_types_may_be_missing():
    files = read_event(load("without-types")).files
    assert files.recording_format_type is None


def test_all_chunks_are_read_and_one_that_is_listed_twice_counts_once():
    event = load("several-chunks")
    chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
    chunks.append(dict(chunks[0]))
    assert [chunk.index for chunk in read_event(event).files.chunks] == [0, 1, 2]


def test_siblings_of_one_index_are_two_chunks():
    chunks = read_event(load("siblings")).files.chunks
    assert [chunk.index for chunk in chunks] == [0, 0]
    assert len({chunk.document_id for chunk in chunks}) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"data": "text"}, "data"),
        ({"data": None}, "data"),
        ({"data": {}}, "recordingChunks"),
        ({"data": {"recordingStorageInfo": {"recordingChunks": {"a": 1}}}}, "recordingChunks"),
        ({"data": {"recordingStorageInfo": {"recordingChunks": [17]}}}, "chunks.0"),
        ({"subject": 5}, "subject"),
    ],
)
def test_what_is_wrong_with_an_event_is_named(change: dict[str, Any], field: str):
    with pytest.raises(UnreadableEvent) as raised:
        read_event(load("current") | change)
    assert field in str(raised.value)


def test_a_time_without_a_zone_is_utc():
    event = read_event(load("current") | {"eventTime": datetime(2026, 11, 21, 9, 7)})  # noqa: DTZ001 - the case itself
    assert event.event_time == datetime(2026, 11, 21, 9, 7, tzinfo=UTC)


def test_the_type_is_found_in_both_schemas():
    assert event_type(load("current")) == event_type(load("cloud-event"))
    assert event_type({"data": {}}) == ""
    assert event_type({"eventType": 7}) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"eventTime": "9999-12-31T23:59:59Z"},
        {"eventTime": "0001-01-01T00:00:00+14:00"},
        {"id": "control\u0000character"},
        {"subject": "/recording/call/c\u0130/serverCallId/abc/recordingId/xyz"},
        {"subject": "/recording/call/c/recordingId/" + "r" * 2000},
    ],
)
def test_what_no_table_could_hold_is_unreadable_and_not_a_failure_for_ever(change: dict[str, Any]):
    with pytest.raises(UnreadableEvent):
        read_event(load("current") | change)


def test_a_duration_beyond_reason_is_unreadable():
    event = load("current")
    event["data"]["recordingDurationMs"] = 10**30
    with pytest.raises(UnreadableEvent, match="recordingDurationMs"):
        read_event(event)
