"""The headers of a source's answer decide where its bytes are written, so an invalid header is refused."""

from types import SimpleNamespace

import pytest

from shared.errors import SourceError
from shared.gateways.acs.media import _content_length, _content_range


@pytest.mark.parametrize("text", ["bytes 0-99/1000", "Bytes 0-99/1000", " bytes 0-99/1000 "])
def test_a_content_range_is_parsed(text: str):
    assert _content_range(SimpleNamespace(headers={"Content-Range": text})) == (0, 99, 1000)


@pytest.mark.parametrize(
    "text",
    ["", "bytes", "bytes 0-99/*", "bytes */1000", "bytes ²-99/1000", "bytes 0-٩/1000", f"bytes 0-99/{'9' * 5000}"],
)
def test_an_invalid_content_range_is_the_source_s_fault(text: str):
    with pytest.raises(SourceError):
        _content_range(SimpleNamespace(headers={"Content-Range": text}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Length": "-1"},
        {"Content-Length": "0"},
        {"Content-Length": "²"},
        {"Content-Length": "9" * 5000},
        {"Content-Length": "10", "Content-Range": "bytes 0-9/20"},
    ],
)
def test_an_invalid_length_is_the_source_s_fault(headers: dict[str, str]):
    with pytest.raises(SourceError):
        _content_length(SimpleNamespace(headers=headers))
