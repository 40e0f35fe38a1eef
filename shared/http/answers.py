"""HTTP without a framework: turns a use case's answer or error into status, headers and body.

Every failure becomes application/problem+json. An unforeseen exception becomes a 500 without details; the log has them.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil

from pydantic import BaseModel

from shared.contracts.http.problems import MEDIA_TYPE, Problem
from shared.errors import BodyTooLarge, CallerError, CallvaultError, Interrupted, LengthRequired, OurError
from shared.observability.failures import reporting_failures
from shared.observability.logs import logger

log = logger("web")

_FAILED = "the request failed because of a defect in Callvault; as far as is known, nothing is lost. See the app's log"
_BACK_OFF = 10.0  # the Retry-After, in seconds, of a 503 whose cause doesn't name one


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The response to a caller."""

    status: int
    body: str
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=model.model_dump_json(by_alias=True), headers=headers or {})


async def answering(function: str, work: Awaitable[Answer]) -> Answer:
    """Returns the answer of an HTTP function's work, or its error as a problem. Raises nothing.

    Otherwise the host would answer an exception with an empty 500, and after a cancellation Microsoft's worker would
    never answer.
    """
    try:
        with reporting_failures(function):
            try:
                return await work
            except CallvaultError as error:
                return refusal(error)
            except Exception:
                log.exception("request failed", extra={"action": "http"})
                raise
    except Interrupted as error:
        return problem(error)
    except Exception:  # noqa: BLE001 - logged above with its stack, and for alerts by `reporting_failures`
        return problem(OurError(_FAILED))


def refusal(error: CallvaultError) -> Answer:
    extra = {"action": "http", "reason": error.reason, "status": error.status}
    if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        log.info("request refused", extra=extra)
    else:
        log.error("request failed", extra=extra)
    return problem(error)


def declared_too_large(headers: Mapping[str, str], limit: int) -> CallerError | None:
    """An error if Content-Length is above `limit` bytes, else None. The body isn't read."""
    given = {name.lower(): value for name, value in headers.items()}
    length = given.get("content-length", "").strip().lstrip("0")
    # Compares the number of digits first, because int() raises ValueError for thousands of digits.
    if not (length.isascii() and length.isdecimal()) or (len(length), length) <= (len(str(limit)), str(limit)):
        return None
    return BodyTooLarge(limit)


def missing_body(headers: Mapping[str, str], body: bytes) -> CallerError | None:
    """An error if the request had a body that didn't arrive, else None.

    The Functions host passes a body in chunks (Transfer-Encoding: chunked, no Content-Length) to a Python function as
    an empty body (measured with host 4.1037.0). Without this check, a consent in the body would be ignored silently.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if body or "chunked" not in given.get("transfer-encoding", "").lower():
        return None
    return LengthRequired()


def problem(error: CallvaultError) -> Answer:
    wait = (
        _BACK_OFF if error.retry_after is None and error.status == HTTPStatus.SERVICE_UNAVAILABLE else error.retry_after
    )
    headers = {} if wait is None else {"Retry-After": str(ceil(wait))}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = Problem.of(error).model_dump_json(exclude_none=True)
    return Answer(status=error.status, body=body, media_type=MEDIA_TYPE, headers=headers)
