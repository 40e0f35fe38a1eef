"""Translates the SDKs' exceptions into ours: whose fault it is, and whether a retry can help.

An SDK's message is never passed on, and its exception is never chained. Both can contain URLs with a SAS, or whole
bodies, and the host logs exception chains completely. The service's error code is passed on, and is enough for people.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
_LONGEST_WAIT = 86_400.0  # seconds; a Retry-After header may not ask for more

BROKEN_CONNECTION = (ServiceRequestError, ServiceResponseError, aiohttp.ClientError, TimeoutError, ConnectionError)


def headers_of(error: HttpResponseError) -> Mapping[str, str]:
    """The headers of the answer that caused the exception. Empty if there was no answer."""
    return getattr(error.response, "headers", None) or {}


def is_absent(error: HttpResponseError) -> bool:
    """Whether the row, blob or message doesn't exist. False if its table, container or queue doesn't exist."""
    return error.status_code == HTTPStatus.NOT_FOUND and _code(error) not in _HOLDER_ABSENT


def is_taken(error: HttpResponseError) -> bool:
    """Whether a write was refused because the name is in use."""
    return _code(error) in _TAKEN


def is_changed(error: HttpResponseError) -> bool:
    """Whether a write was refused because the row or blob changed since it was read."""
    return error.status_code == HTTPStatus.PRECONDITION_FAILED


def is_cold(error: HttpResponseError) -> bool:
    """Whether a blob exists but can't be read: it is in the archive tier, or is being rehydrated."""
    return _code(error) in _COLD


def retry_after(error: HttpResponseError) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date (RFC 9110, 10.2.3).

    A date is compared with the time at which the service sent its answer, so our own clock doesn't matter.
    """
    headers = headers_of(error)
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value) if _NUMBER.fullmatch(value.strip()) else _seconds_until(value, headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _seconds_until(date: str, sent: str) -> float:
    return (parsedate_to_datetime(date) - parsedate_to_datetime(sent)).total_seconds()


@contextmanager
def storage_faults(doing: str) -> Iterator[None]:
    """Wraps calls to Blob, Queue and Table storage. `doing` describes the operation, for error messages."""
    try:
        yield
    except BROKEN_CONNECTION:
        raise DestinationUnavailable(f"{doing}: the connection to storage failed") from None
    except (ClientAuthenticationError, DecodeError, HttpResponseError) as error:
        raise _storage_error(error, doing) from None
    except AzureError:
        raise DestinationUnavailable(f"{doing}: the storage SDK failed") from None


def _code(error: HttpResponseError) -> str | None:
    """The storage service's error code. Some SDKs give it as an enum, others as a string."""
    code = getattr(error, "error_code", None)
    return None if code is None else str(getattr(code, "value", code))


def _storage_error(error: HttpResponseError, doing: str) -> DestinationError:
    status = error.status_code
    code = _code(error) or status
    if isinstance(error, ClientAuthenticationError) or status in _FORBIDDEN:
        return DestinationForbidden(
            f"{doing}: storage refused the app's identity ({code}): check its roles and the account's network rules"
        )
    if is_taken(error):
        return DestinationConflict(f"{doing}: another blob or row already has this name")
    if status in _BUSY or status is None:
        return DestinationUnavailable(f"{doing}: storage is busy ({code})", retry_after=retry_after(error))
    if status == HTTPStatus.NOT_FOUND:
        return DestinationUnavailable(f"{doing}: a container, queue or table is missing ({code})")
    return DestinationError(f"{doing}: storage answered {code}")
