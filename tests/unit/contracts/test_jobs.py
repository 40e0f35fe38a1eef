"""Only the sweep continues a chunk whose job can't be read: fields that aren't needed must not make it unreadable."""

import base64
import json

import pytest

from shared.contracts.jobs import ChunkJob
from shared.errors import InvalidJob

KEYS = {"recordingKey": "0" * 32, "chunkKey": "1" * 32}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("job", [ChunkJob(**KEYS), ChunkJob(**KEYS, traceparent=TRACEPARENT), ChunkJob(**KEYS).again()])
def test_a_job_arrives_as_it_was_sent(job: ChunkJob):
    assert ChunkJob.decode(job.encode().encode()) == job


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes, bytes])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_job_is_read_from_plain_text_and_from_base64(encode, as_text):
    body = encode(ChunkJob(**KEYS, traceparent=TRACEPARENT).encode().encode())
    assert ChunkJob.decode(body.decode() if as_text else body) == ChunkJob(**KEYS, traceparent=TRACEPARENT)


def test_additional_fields_of_the_host_are_ignored():
    body = json.dumps({**KEYS, "DequeueCount": "many", "id": []})
    assert ChunkJob.decode(body) == ChunkJob(**KEYS)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "isn't a JSON object"),
        ("hello", "isn't a JSON object"),
        (b"\xff\xfe\x00", "isn't a JSON object"),
        (base64.b64encode(b"\xff\xfe\x00"), "isn't a JSON object"),
        ("\ud800", "isn't text"),
        (b"null", "isn't a JSON object"),
        (json.dumps({"recordingKey": "secret-thing"}), "chunkKey, recordingKey"),
    ],
)
def test_an_invalid_body_is_refused_without_quoting_it(body, message):
    with pytest.raises(InvalidJob, match=message) as refused:
        ChunkJob.decode(body)
    assert "secret" not in str(refused.value)


def test_a_job_without_a_trace_has_keys_only():
    assert json.loads(ChunkJob(**KEYS).encode()) == KEYS


@pytest.mark.parametrize("hostile", ["", "x", "00-0-0-0", TRACEPARENT.upper(), TRACEPARENT + "\n", 7, None, ["00"]])
def test_an_invalid_trace_context_never_prevents_a_job(hostile: object):
    assert ChunkJob.decode(json.dumps({**KEYS, "traceparent": hostile}).encode()) == ChunkJob(**KEYS)


@pytest.mark.parametrize("hostile", ["true", 1, 0, None, [], {}])
def test_an_invalid_flag_never_prevents_a_job(hostile: object):
    assert ChunkJob.decode(json.dumps({**KEYS, "deferred": hostile}).encode()) == ChunkJob(**KEYS)


@pytest.mark.parametrize("wrong", [{}, {"recordingKey": "../x"}, {"chunkKey": "1" * 31}])
def test_a_message_without_keys_isn_t_a_job(wrong: dict[str, str]):
    with pytest.raises(InvalidJob):
        ChunkJob.decode(json.dumps({"recordingKey": "0" * 32} | wrong).encode())
