"""A job that can't be read leaves its chunk to the sweep: what isn't needed to do it must not get in the way."""

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
def test_a_job_is_read_plain_and_in_base64_alike(encode, as_text):
    body = encode(ChunkJob(**KEYS, traceparent=TRACEPARENT).encode().encode())
    assert ChunkJob.decode(body.decode() if as_text else body) == ChunkJob(**KEYS, traceparent=TRACEPARENT)


def test_keys_of_the_host_s_own_beside_a_job_s_keep_nobody_from_doing_it():
    body = json.dumps({**KEYS, "DequeueCount": "many", "id": []})
    assert ChunkJob.decode(body) == ChunkJob(**KEYS)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not a JSON object"),
        ("hello", "not a JSON object"),
        (b"\xff\xfe\x00", "not a JSON object"),
        (base64.b64encode(b"\xff\xfe\x00"), "not a JSON object"),
        ("\ud800", "not text"),
        (b"null", "not a JSON object"),
        (json.dumps({"recordingKey": "secret-thing"}), "chunkKey, recordingKey"),
    ],
)
def test_a_body_that_is_no_job_is_refused_with_a_clear_text_and_without_quoting_it(body, told):
    with pytest.raises(InvalidJob, match=told) as refused:
        ChunkJob.decode(body)
    assert "secret" not in str(refused.value)


def test_a_job_without_a_trace_is_written_as_it_was_before_there_were_any():
    assert json.loads(ChunkJob(**KEYS).encode()) == KEYS


@pytest.mark.parametrize("hostile", ["", "x", "00-0-0-0", TRACEPARENT.upper(), TRACEPARENT + "\n", 7, None, ["00"]])
def test_a_broken_trace_context_never_keeps_a_job_from_being_done(hostile: object):
    assert ChunkJob.decode(json.dumps({**KEYS, "traceparent": hostile}).encode()) == ChunkJob(**KEYS)


@pytest.mark.parametrize("hostile", ["true", 1, 0, None, [], {}])
def test_a_broken_flag_never_keeps_a_job_from_being_done(hostile: object):
    assert ChunkJob.decode(json.dumps({**KEYS, "deferred": hostile}).encode()) == ChunkJob(**KEYS)


@pytest.mark.parametrize("wrong", [{}, {"recordingKey": "../x"}, {"chunkKey": "1" * 31}])
def test_a_message_without_its_keys_is_no_job(wrong: dict[str, str]):
    with pytest.raises(InvalidJob):
        ChunkJob.decode(json.dumps({"recordingKey": "0" * 32} | wrong).encode())
