"""A job that can't be read leaves its chunk to the sweep: what isn't needed to do it must not get in the way."""

import json

import pytest

from shared.contracts.jobs import ChunkJob
from shared.errors import InvalidJob

KEYS = {"recordingKey": "0" * 32, "chunkKey": "1" * 32}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("job", [ChunkJob(**KEYS), ChunkJob(**KEYS, traceparent=TRACEPARENT), ChunkJob(**KEYS).again()])
def test_a_job_arrives_as_it_was_sent(job: ChunkJob):
    assert ChunkJob.decode(job.encode().encode()) == job


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
