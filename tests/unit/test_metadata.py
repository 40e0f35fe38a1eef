"""Metadata of another chunk, archived with this one, would tell lies in court."""

import json
from datetime import UTC, datetime

import pytest

from shared.contracts.metadata import check_metadata, read_facts
from shared.errors import SourceUnproven


@pytest.mark.parametrize("key", ["chunkDocumentId", "ChunkDocumentId", "chunkdocumentid"])
def test_metadata_of_the_chunk_itself_is_taken_in_any_casing(key: str):
    check_metadata(json.dumps({key: "doc-1", "version": 2}).encode(), document_id="doc-1")


def test_metadata_that_names_no_chunk_is_taken():
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
def test_anything_else_is_refused_as_unproven(body: bytes):
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
def test_odd_values_and_encodings_don_t_make_metadata_another_file(text: str, encoding: str):
    check_metadata(text.encode(encoding), document_id="doc-1")


def test_the_facts_of_a_recording_are_read_in_any_casing():
    facts = read_facts(
        b'{"ChunkStartTime": "2026-11-21T10:00:00.1234567Z", "chunkduration": 4000, "PauseResumeIntervals": '
        b'[{"StartTime": "2026-11-21T10:00:01Z", "duration": 500}], "participants": [{"participantId": "8:acs:a"}]}'
    )
    assert facts is not None
    assert facts.started_at == datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
    assert facts.duration_ms == 4000
    assert [pause.duration_ms for pause in facts.pauses or ()] == [500]
    assert [(one.participant_id, one.channel) for one in facts.participants or ()] == [("8:acs:a", None)]


def test_what_isn_t_said_is_told_as_unknown_and_not_as_none_at_all():
    facts = read_facts(b"{}")
    assert facts is not None
    assert (facts.pauses, facts.participants) == (None, None)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"pauseResumeIntervals": [{"startTime": "soon"}]}', b'{"participants": [1]}', b"[" * 100_000]
)
def test_facts_that_can_t_be_read_are_not_guessed(body: bytes):
    assert read_facts(body) is None
