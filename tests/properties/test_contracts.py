"""All input is either parsed or refused with a defined error. Any other exception would be a 500, or an event that
Event Grid delivers for a day and then drops.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.chunk_metadata import check_metadata
from shared.contracts.events.recording_event import RecordingFilesEvent, UnreadableEvent, event_type, read_event
from shared.contracts.http.start_request import StartRecording, parse_start
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.errors import BodyTooLarge, FieldError, InvalidJob, InvalidRequest, SourceIncomplete
from tests.properties.effort import effort
from tests.properties.strategies import encodable_texts, json_objects, json_values, mutated

EVENTS = Path(__file__).parent.parent / "events"
CURRENT: dict[str, Any] = json.loads((EVENTS / "current.json").read_text())
SEVERAL: dict[str, Any] = json.loads((EVENTS / "several-chunks.json").read_text())
START: dict[str, Any] = {
    "serverCallId": "aHR0cHM6Ly9jb252",
    "content": "audio",
    "channel": "unmixed",
    "format": "wav",
    "pauseOnStart": False,
    "channelAffinity": [{"participantId": "8:acs:a_b", "channel": 0}, {"participantId": "4:+4930", "channel": 1}],
    "participantOrdering": ["8:acs:a_b", "4:+4930"],
    "stateCallbackUrl": "https://example.net/callback",
    "correlation": "file 12/2026",
}


def wire(value: Any) -> bytes:
    return json.dumps(value).encode()


@effort(400)
@given(json_objects | mutated(CURRENT) | mutated(SEVERAL, changes=4))
def test_an_event_is_either_parsed_or_refused_as_unreadable(envelope: dict[str, Any]):
    assert isinstance(event_type(envelope), str)
    with contextlib.suppress(UnreadableEvent):
        event = read_event(envelope)
        assert isinstance(event, RecordingFilesEvent)
        assert event.files.chunks or event.own_storage
        assert len({chunk.document_id for chunk in event.files.chunks}) == len(event.files.chunks)


@effort(400)
@given(st.binary(max_size=60) | json_values.map(wire) | mutated(START, changes=3).map(wire))
@example(b"[" * 50_000)
@example(b'{"correlation": "\xff"}')
def test_a_start_request_is_either_parsed_or_refused_as_invalid(body: bytes):
    try:
        parsed = parse_start(body)
    except BodyTooLarge:
        fields = (FieldError(field="body", detail="too large"),)
    except InvalidRequest as error:
        fields = error.fields
    else:
        fields = (FieldError(field="", detail="fine"),)
        assert isinstance(parsed, StartRecording)
    assert fields
    assert all(field.detail for field in fields)


@effort(200)
@given(
    st.binary(max_size=60)
    | json_values.map(wire)
    | mutated({"recordingKey": "0" * 32, "chunkKey": "f" * 32}).map(wire)
    | encodable_texts.map(lambda text: wire({"recordingKey": key_of(text), "chunkKey": key_of(text) + "\n"}))
)
@example(b"[" * 50_000)
def test_a_message_is_either_parsed_as_a_job_or_refused_as_invalid(body: bytes):
    with contextlib.suppress(InvalidJob):
        job = ChunkJob.decode(body)
        assert ChunkJob.decode(job.encode().encode()) == job
        assert set(job.recordingKey + job.chunkKey) <= set("0123456789abcdef")


@effort(200)
@given(st.binary(max_size=60) | json_values.map(wire))
@example(b"[" * 50_000)
@example(b'{"a":' * 50_000)
@example(b"1" * 10_000)
def test_metadata_are_either_accepted_or_refused_as_unproven(body: bytes):
    with contextlib.suppress(SourceIncomplete):
        check_metadata(body, document_id="document")
