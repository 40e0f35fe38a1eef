"""Decisions from a request's headers alone: a body that is too large is never read."""

import pytest

from shared.contracts.http.limits import CALLBACK_BYTES, EVENTS_BYTES, REQUEST_BYTES
from shared.contracts.http.start_request import parse_start
from shared.errors import BodyTooLarge
from shared.http.answers import declared_too_large, problem


@pytest.mark.parametrize("limit", [REQUEST_BYTES, CALLBACK_BYTES, EVENTS_BYTES])
@pytest.mark.parametrize("name", ["Content-Length", "content-length", "CONTENT-LENGTH"])
def test_a_body_is_refused_by_its_content_length(limit: int, name: str):
    assert declared_too_large({name: str(limit)}, limit) is None
    assert declared_too_large({name: f"000{limit}"}, limit) is None
    for length in (limit + 1, limit * 10, f"00{limit + 1}", "9" * 5000):
        refused = declared_too_large({name: str(length)}, limit)
        assert refused is not None
        answer = problem(refused)
        assert answer.status == 413
        assert f"body: must have at most {limit} bytes" in answer.body


@pytest.mark.parametrize("length", ["", "0", "-1", "+9999999", "1e9", "0x9999999", "\u0669" * 9, "many"])
def test_an_invalid_content_length_is_ignored(length: str):
    assert declared_too_large({"Content-Length": length}, REQUEST_BYTES) is None
    assert declared_too_large({}, REQUEST_BYTES) is None


def test_the_size_of_a_body_is_checked_again_before_parsing():
    with pytest.raises(BodyTooLarge):
        parse_start(b"{" + b" " * REQUEST_BYTES)
