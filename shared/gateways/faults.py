"""Translates the SDKs' exceptions into ours: whose fault it is, and whether trying again can mend it.

Nothing of an SDK's message is passed on, nor is its exception chained: both can hold URLs with a SAS or whole bodies,
and the host logs a chain as it stands. The service's error code is what a person needs of it.
"""

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
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.errors import DestinationConflict, DestinationError, DestinationForbidden, DestinationUnavailable

_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_FORBIDDEN = frozenset({401, 403})
_EXISTS = frozenset({409, 412})
_HOLDER_ABSENT = frozenset({"ContainerNotFound", "TableNotFound", "QueueNotFound"})

BROKEN_CONNECTION = (ServiceRequestError, ServiceResponseError, aiohttp.ClientError, TimeoutError, ConnectionError)


def headers_of(error: HttpResponseError) -> Mapping[str, str]:
    """The headers of the answer that an SDK took offence at; none when there was no answer."""
    return getattr(error.response, "headers", None) or {}


def is_absent(error: HttpResponseError) -> bool:
    """Whether the very thing that was asked for is absent, and not the table or container that should hold it."""
    return error.status_code == HTTPStatus.NOT_FOUND and _code(error) not in _HOLDER_ABSENT


def retry_after(error: HttpResponseError) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date (RFC 9110, 10.2.3)."""
    value = headers_of(error).get("Retry-After")
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(wait.total_seconds(), 0.0)


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
    if isinstance(error, ResourceExistsError) or status in _EXISTS:
        return DestinationConflict(f"{doing}: something else stands there")
    if status in _BUSY or status is None:
        return DestinationUnavailable(f"{doing}: storage is busy ({code})", retry_after=retry_after(error))
    if status == HTTPStatus.NOT_FOUND:
        return DestinationUnavailable(f"{doing}: a container, queue or table is missing ({code})")
    return DestinationError(f"{doing}: storage answered {code}")
