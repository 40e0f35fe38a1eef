"""Metadata of another chunk, archived with this one, would be false evidence."""

import json
from datetime import UTC, datetime

import pytest

from shared.contracts.chunk_metadata import check_metadata, read_facts, read_participants
from shared.errors import SourceUnproven


@pytest.mark.parametrize("key", ["chunkDocumentId", "ChunkDocumentId", "chunkdocumentid"])
def test_metadata_of_the_same_chunk_is_accepted_in_any_casing(key: str):
    check_metadata(json.dumps({key: "doc-1", "version": 2}).encode(), document_id="doc-1")


def test_metadata_without_a_document_id_is_accepted():
    check_metadata(b'{"participants": []}', document_id="doc-1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"17",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": 1',
        b"{}",
        b'{"error": {"code": "NotFound", "message": "no such document"}}',
        b'{"message": "Internal Server Error", "statusCode": 500}',
        b'{"participants": null, "callId": ""}',
        b'{"chunkDocumentId": "doc-2"}',
        b'{"chunkDocumentId": 2}',
        b'{"chunkDocumentId": "doc-1", "ChunkDocumentId": "doc-2"}',
        b'{"chunkDocumentId": "\\ud800"}',
        '{"error": 404}'.encode("utf-16"),
    ],
)
def test_any_other_file_is_refused_as_unproven(body: bytes):
    with pytest.raises(SourceUnproven):
        check_metadata(body, document_id="doc-1")


@pytest.mark.parametrize(
    "text",
    [
        '{"chunkDocumentId": " DOC-1 "}',
        '{"chunkDocumentId": null, "callId": "call"}',
        '{"chunkDocumentId": ["doc-2"], "callId": "call"}',
        '{"chunkDuration": 1.5e400}',
        '{"chunkDuration": NaN}',
        '{"chunkIndex": ' + "9" * 5000 + "}",
        '{"participants": [{"participantId": "\\ud800"}]}',
        '{"recordingInfo": {"framerate": 0.5}, "error": null}',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_odd_values_and_encodings_are_accepted(text: str, encoding: str):
    check_metadata(text.encode(encoding), document_id="doc-1")


def test_facts_are_read_in_any_casing():
    facts = read_facts(
        b'{"ChunkStartTime": "2026-11-21T10:00:00.1234567Z", "chunkduration": 4000, "PauseResumeIntervals": '
        b'[{"StartTime": "2026-11-21T10:00:01Z", "duration": 500}], "participants": [{"participantId": "8:acs:a"}]}'
    )
    assert facts is not None
    assert facts.started_at == datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
    assert facts.duration_ms == 4000
    assert [pause.duration_ms for pause in facts.pauses or ()] == [500]
    assert [(one.participant_id, one.channel) for one in facts.participants or ()] == [("8:acs:a", None)]


def test_missing_facts_are_unknown_and_not_empty():
    facts = read_facts(b"{}")
    assert facts is not None
    assert (facts.pauses, facts.participants) == (None, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe"])
def test_a_file_that_isn_t_a_json_object_has_no_facts(body: bytes):
    assert read_facts(body) is None


WHOLE = {
    "chunkStartTime": "2026-11-21T10:00:00Z",
    "chunkDuration": 4000,
    "pauseResumeIntervals": [{"startTime": "2026-11-21T10:00:01Z", "duration": 500}],
    "participants": [{"participantId": "8:acs:a", "channel": 0}],
}
FIELDS = ("started_at", "duration_ms", "pauses", "participants")


@pytest.mark.parametrize(
    "odd", [None, "", "soon", [], {}, True, -1, 10**400, 1e308, "0001-01-01T00:00:00", [1], [None]]
)
@pytest.mark.parametrize(("name", "field"), [*zip(WHOLE, FIELDS, strict=True)])
def test_an_invalid_fact_doesn_t_hide_the_others(name: str, field: str, odd: object):
    whole, read = read_facts(json.dumps(WHOLE).encode()), read_facts(json.dumps(WHOLE | {name: odd}).encode())
    assert whole is not None
    assert read is not None
    assert getattr(read, field) in (None, ())
    assert [getattr(read, one) for one in FIELDS if one != field] == [
        getattr(whole, one) for one in FIELDS if one != field
    ]


@pytest.mark.parametrize(
    ("stated", "read"),
    [(15000.0, 15000), (1.5, 2), ("15000", 15000), ("15000.4", 15000), (0, 0), (10**13, None), (True, None)],
)
def test_durations_are_read_as_acs_writes_them(stated: object, read: int | None):
    facts = read_facts(
        json.dumps(
            {"chunkDuration": stated, "pauseResumeIntervals": [{"startTime": "2026-11-21", "duration": stated}]}
        ).encode()
    )
    assert facts is not None
    assert facts.duration_ms == read
    assert [pause.duration_ms for pause in facts.pauses or ()] == [read]


def test_a_number_with_more_digits_than_python_converts_doesn_t_hide_the_other_facts():
    facts = read_facts(b'{"chunkDuration": ' + b"1" * 10_000 + b', "participants": [{"participantId": "8:acs:a"}]}')
    assert facts is not None
    assert (facts.duration_ms, len(facts.participants or ())) == (None, 1)


def test_a_pause_that_did_not_end_is_shown_without_a_duration():
    facts = read_facts(b'{"pauseResumeIntervals": [{"startTime": "2026-11-21T10:00:01Z"}, {"duration": 5}, 7]}')
    assert facts is not None
    assert [(pause.started_at.second, pause.duration_ms) for pause in facts.pauses or ()] == [(1, None)]


def test_an_invalid_entry_doesn_t_hide_the_others():
    body = json.dumps(
        {"participants": [{"channel": 1}, 1, None, {"participantId": "\ud800"}, {"participantId": " "}, *PEOPLE]}
    )
    facts = read_facts(body.encode())
    assert facts is not None
    assert [(one.participant_id, one.channel) for one in facts.participants or ()] == [("8:acs:a", None), ("4:+49", 1)]
    assert read_participants(body.encode()) == {"8:acs:a", "4:+49"}


PEOPLE = [{"ParticipantId": "8:acs:a", "channel": "left"}, {"participantId": "4:+49", "channel": 1.0}]
