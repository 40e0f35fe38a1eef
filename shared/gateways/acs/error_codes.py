"""Translates ACS's published error codes to Callvault's errors.

The codes come from Microsoft's table of Call Automation codes (azure-docs, includes/codes/call-automation-sdk.md),
limited to those that recording operations can return. The code takes precedence over the HTTP status. For a code that
isn't listed, the status decides.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from shared.errors import (
    AlreadyRecording,
    ApplicationForbidden,
    CallNotReady,
    CallNotRecordable,
    CallOver,
    CallvaultError,
    Conflict,
    ConflictForNow,
    InvalidRequest,
    NotFound,
    NotSupported,
    SourceFailing,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceTimedOut,
    SourceUnauthorized,
    SourceUnavailable,
)

BACK_OFF = 10.0  # seconds in Retry-After when ACS sends no Retry-After itself
_LONGEST_MESSAGE = 300
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_SECRET = re.compile(
    r"\b(bearer|hmac-sha256|authorization|accesskey|sharedaccesskey|signature|sig|token|password|secret)"
    r"(\s*[=:]\s*|\s+(?=[A-Za-z0-9._~+/-]{20,}))\S+",
    re.IGNORECASE,
)
_CREDENTIAL = "check ACS_CONNECTION_STRING, or the identity's role"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer of ACS that isn't a success: its HTTP status, its error code and message, and its Retry-After."""

    status: int
    code: str | None = None
    message: str = ""
    retry_after: float | None = None

    @property
    def wait(self) -> float:
        return BACK_OFF if self.retry_after is None else self.retry_after

    def explained(self) -> str:
        """ACS's code and sanitized message, formatted to follow a sentence."""
        code = f" ({self.code})" if self.code else ""
        words = sanitized(self.message)
        return f"{code}: {words}" if words else code


type _Meaning = Callable[[Refusal], CallvaultError]


def sanitized(message: str) -> str:
    """A message of ACS on one line, truncated, without URLs and possible secrets."""
    line = " ".join(message.split())
    line = _SECRET.sub(r"\1 (left out)", _ADDRESS.sub("(address)", line))
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"


def _already_recording(refusal: Refusal) -> CallvaultError:
    return AlreadyRecording(
        f"the call is already being recorded: ACS allows one recording of each kind per call ({refusal.code})"
    )


def _conflict_for_now(refusal: Refusal) -> CallvaultError:
    return ConflictForNow(
        f"another operation on this call or recording is in progress: try again{refusal.explained()}",
        retry_after=refusal.wait,
    )


def _call_not_ready(refusal: Refusal) -> CallvaultError:
    return CallNotReady(
        f"the call is not established, or its state does not allow this{refusal.explained()}", retry_after=refusal.wait
    )


def _call_over(refusal: Refusal) -> CallvaultError:
    return CallOver(f"the call has ended, or does not exist ({refusal.code})")


def _not_found(refusal: Refusal) -> CallvaultError:
    if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return NotFound(f"ACS found no configuration for this operation ({refusal.code})")
    return NotFound(
        "ACS didn't find the call or recording. It may have ended, or the id may belong to another resource"
    )


def _invalid(refusal: Refusal) -> CallvaultError:
    return InvalidRequest(f"ACS refused the request{refusal.explained()}")


def _not_allowed(refusal: Refusal) -> CallvaultError:
    return Conflict(f"the state of the recording does not allow this{refusal.explained()}")


def _not_supported(refusal: Refusal) -> CallvaultError:
    return NotSupported(f"ACS does not support this operation at this time{refusal.explained()}")


def _application_forbidden(refusal: Refusal) -> CallvaultError:
    return ApplicationForbidden(
        "ACS accepts the credential but does not permit this: check the application's permissions, the tenant and "
        f"the call's source identity{refusal.explained()}"
    )


def _not_recordable(refusal: Refusal) -> CallvaultError:
    return CallNotRecordable(f"this Teams call can't be recorded by this resource{refusal.explained()}")


def _unauthorized(refusal: Refusal) -> CallvaultError:
    return SourceUnauthorized(f"ACS refused Callvault's credential ({refusal.code or refusal.status}): {_CREDENTIAL}")


def _throttled(refusal: Refusal) -> CallvaultError:
    return SourceThrottled(f"ACS throttles or limits this resource{refusal.explained()}", retry_after=refusal.wait)


def _failing(refusal: Refusal) -> CallvaultError:
    kind = _FAILURES.get(refusal.status, SourceFailing)
    return kind(f"ACS answered {refusal.status}{refusal.explained()}", retry_after=refusal.wait)


_FAILURES: dict[int, type[SourceUnavailable]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: SourceUnavailable,
    HTTPStatus.GATEWAY_TIMEOUT: SourceTimedOut,
}

_CODES: dict[str, _Meaning] = {
    code: meaning
    for codes, meaning in (
        (("8553", "8559"), _already_recording),
        (("8519", "8571"), _conflict_for_now),
        (("8501", "8585"), _call_not_ready),
        (("8528", "8543"), _call_over),
        (("8522",), _not_found),
        (("8523", "8557", "8562"), _invalid),
        (("8573",), _not_allowed),
        (("8520",), _not_supported),
        (("7504", "7505", "7507", "7508"), _application_forbidden),
        (("7604", "7605"), _not_recordable),
        (("7500", "7501", "7502", "7509", "7510", "7600"), _unauthorized),
        (("8516", "8529", "8530", "8589"), _throttled),
        (("9001", "9002", "9003", "9998", "9999"), _failing),
    )
    for code in codes
}

_STATUSES: dict[int, _Meaning] = {
    HTTPStatus.BAD_REQUEST: _invalid,
    HTTPStatus.UNAUTHORIZED: _unauthorized,
    HTTPStatus.FORBIDDEN: _unauthorized,
    HTTPStatus.NOT_FOUND: _not_found,
    HTTPStatus.METHOD_NOT_ALLOWED: _not_supported,
    HTTPStatus.CONFLICT: _conflict_for_now,
    HTTPStatus.TOO_MANY_REQUESTS: _throttled,
    HTTPStatus.NOT_IMPLEMENTED: _not_supported,
}
# These statuses are clear without a code. Others may come from a front door, as HTML, and are retried.
_CLEAR = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def error_of(refusal: Refusal) -> CallvaultError:
    """The Callvault error for an answer of ACS."""
    if refusal.code is None and refusal.status not in _CLEAR:
        return SourceGarbled(f"ACS answered {refusal.status} without an error code", retry_after=refusal.wait)
    meaning = _CODES.get(refusal.code or "") or _STATUSES.get(refusal.status)
    if meaning is None:
        if refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return SourceRefused(f"ACS refused the request with {refusal.status}{refusal.explained()}")
        meaning = _failing
    return meaning(refusal)
