"""Failures: what operators read about them, and whether they are retried."""

import logging

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from shared.errors import SourceGarbled, SourceNotAllowed, SourceUnauthorized, SourceUnavailable
from shared.gateways.acs import media
from shared.gateways.faults import retry_after
from shared.observability.logs import logger


def test_a_log_line_contains_its_fields_in_its_text(caplog: pytest.LogCaptureFixture):
    """The Functions worker sends only the text of a log record to the platform, not its extra fields."""
    logger("test").warning("lease lost 100%", extra={"chunk_key": "abc"})
    (record,) = caplog.records
    assert (record.getMessage(), record.levelno) == ('lease lost 100% {"chunk_key": "abc"}', logging.WARNING)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ClientAuthenticationError("no token"), SourceUnauthorized),
        (HttpResponseError("no answer"), SourceUnavailable),
    ],
)
def test_a_credential_that_is_unavailable_for_a_moment_is_retried(error: HttpResponseError, kind: type):
    translated = media._translate(error)  # noqa: SLF001 - the table itself
    assert type(translated) is kind
    assert translated.retry


class _Answer:
    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}
        self.reason = ""


@pytest.mark.parametrize("status", [204, 304, 400, 408, 409, 412, 425, 451])
def test_an_unexpected_answer_is_retried(status: int):
    error = HttpResponseError(response=_Answer(status))  # type: ignore[arg-type]
    assert type(media._translate(error)) is SourceGarbled  # noqa: SLF001 - the table itself


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17.0), ("0", 0.0), ("9" * 400, None), ("²", None), ("soon", None), ("999999999", 86_400.0), ("-5", None)],
)
def test_retry_after_is_parsed_and_limited(header: str, seconds: float | None):
    assert retry_after(HttpResponseError(response=_Answer(429, {"Retry-After": header}))) == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize(("sent", "seconds"), [("Sat, 21 Nov 2026 10:00:00 GMT", 90.0), ("", None), ("soon", None)])
def test_a_date_in_retry_after_is_compared_with_the_time_of_the_answer(sent: str, seconds: float | None):
    headers = {"Retry-After": "Sat, 21 Nov 2026 10:01:30 GMT", "Date": sent}
    assert retry_after(HttpResponseError(response=_Answer(429, headers))) == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "location",
    [
        "http://storage.asm.skype.com/x",
        "https://example.net/x",
        "https://user:pw@storage.asm.skype.com/x",
        "https://[::1%.asm.skype.com]/",
        "https://storage.asm.skype.com:8443/x",
        "https://[",
        "https://asm.skype.com/x",
        "https://evilasm.skype.com.example/x",
        "//storage.asm.skype.com/x",
        "",
    ],
)
def test_a_url_that_only_resembles_acs_s_gets_no_request(location: str):
    with pytest.raises(SourceNotAllowed):
        media._check(location)  # noqa: SLF001 - the guard itself
