"""Translates the SDKs' exceptions into ours: whose fault it is, and whether trying again can mend it.

Nothing of an SDK's message is passed on, nor is its exception chained: both can hold URLs with a SAS or whole bodies,
and the host logs a chain as it stands. The service's error code is what a person needs of it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.errors import DestinationConflict, DestinationError, DestinationForbidden, DestinationUnavailable

_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_FORBIDDEN = frozenset({401, 403})
_TAKEN = frozenset({"BlobAlreadyExists", "UnauthorizedBlobOverwrite", "EntityAlreadyExists"})
_COLD = frozenset({"BlobArchived", "BlobBeingRehydrated"})
_HOLDER_ABSENT = frozenset({"ContainerNotFound", "TableNotFound", "QueueNotFound"})

_NUMBER = re.compile(r"[0-9]{1,9}")
_LONGEST_WAIT = 86_400.0  # seconds; whoever asks for more is not believed

BROKEN_CONNECTION = (ServiceRequestError, ServiceResponseError, aiohttp.ClientError, TimeoutError, ConnectionError)


def headers_of(error: HttpResponseError) -> Mapping[str, str]:
    """The headers of the answer that an SDK took offence at; none when there was no answer."""
    return getattr(error.response, "headers", None) or {}


def is_absent(error: HttpResponseError) -> bool:
    """Whether the very thing that was asked for is absent, and not the table or container that should hold it."""
    return error.status_code == HTTPStatus.NOT_FOUND and _code(error) not in _HOLDER_ABSENT


def is_taken(error: HttpResponseError) -> bool:
    """Whether a write was refused because another thing stands under the name already."""
    return _code(error) in _TAKEN


def is_changed(error: HttpResponseError) -> bool:
    """Whether a write was refused because the thing is not the version any more that was read."""
    return error.status_code == HTTPStatus.PRECONDITION_FAILED


def is_cold(error: HttpResponseError) -> bool:
    """Whether a blob is there and can't be read: it lies in the archive tier, or is on its way back from there."""
    return _code(error) in _COLD


def retry_after(error: HttpResponseError) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date (RFC 9110, 10.2.3)."""
    value = headers_of(error).get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value) if _NUMBER.fullmatch(value.strip()) else _seconds_until(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _seconds_until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()


@contextmanager
def storage_faults(doing: str) -> Iterator[None]:
    """Wraps calls to Blob, Queue and Table storage; `doing` says in our words what was being done."""
    try:
        yield
    except BROKEN_CONNECTION:
        raise DestinationUnavailable(f"{doing}: the connection to storage failed") from None
    except (ClientAuthenticationError, DecodeError, HttpResponseError) as error:
        raise _storage_error(error, doing) from None
    except AzureError:
        raise DestinationUnavailable(f"{doing}: the storage SDK failed") from None


def _code(error: HttpResponseError) -> str | None:
    """The storage service's error code: an enumeration's value or a plain string, by SDK."""
    code = getattr(error, "error_code", None)
    return None if code is None else str(getattr(code, "value", code))


def _storage_error(error: HttpResponseError, doing: str) -> DestinationError:
    status = error.status_code
    code = _code(error) or status
    if isinstance(error, ClientAuthenticationError) or status in _FORBIDDEN:
        return DestinationForbidden(
            f"{doing}: storage refused our identity ({code}), check its roles and network rules"
        )
    if is_taken(error):
        return DestinationConflict(f"{doing}: something else stands there")
    if status in _BUSY or status is None:
        return DestinationUnavailable(f"{doing}: storage is busy ({code})", retry_after=retry_after(error))
    if status == HTTPStatus.NOT_FOUND:
        return DestinationUnavailable(f"{doing}: a container, queue or table is missing ({code})")
    return DestinationError(f"{doing}: storage answered {code}")
