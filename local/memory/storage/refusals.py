"""The SDK's exceptions, with the status, error code and headers that the services' responses give them."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import RequestTooLargeError, TableErrorCode, TableTransactionError
from azure.storage.blob import StorageErrorCode as BlobErrorCode
from azure.storage.queue import StorageErrorCode as QueueErrorCode

_CHANGED = frozenset({"ConditionNotMet", "UpdateConditionNotSatisfied"})
_EXISTS = frozenset({f"{what}AlreadyExists" for what in ("Blob", "Container", "Entity", "Queue", "Table")})


@dataclass(frozen=True)
class Response:
    """As much of a response as the SDK's exceptions show."""

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return HTTPStatus(self.status_code).phrase


@dataclass(frozen=True)
class Refusal:
    """A service's answer to a request that it doesn't carry out."""

    status: int
    code: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def _kind(self) -> type[HttpResponseError]:
        if self.status == HTTPStatus.NOT_FOUND:
            return ResourceNotFoundError
        if self.code in _EXISTS:
            return ResourceExistsError
        return ResourceModifiedError if self.code in _CHANGED else HttpResponseError

    def _error(self, kind: type[HttpResponseError], code: Any, message: str = "") -> HttpResponseError:
        headers = {"x-ms-error-code": self.code, **self.headers}
        error = kind(message=f"{message}ErrorCode:{self.code}", response=Response(self.status, headers))  # type: ignore[arg-type]
        if code is not None:
            error.error_code = code  # type: ignore[attr-defined]
        return error

    def of_table(self) -> HttpResponseError:
        return self._error(self._kind(), _known(self.code, TableErrorCode))

    def of_insert(self) -> HttpResponseError:
        """SDK 12 raises the error of an insert without its code (azure-data-tables, create_entity)."""
        return self._error(self._kind(), None)

    def of_transaction(self, index: int) -> HttpResponseError:
        too_large = self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return self._error(RequestTooLargeError if too_large else TableTransactionError, self.code, f"{index}:")

    def of_blob(self) -> HttpResponseError:
        return self._error(self._kind(), _known(self.code, BlobErrorCode))

    def of_queue(self) -> HttpResponseError:
        return self._error(self._kind(), _known(self.code, QueueErrorCode))


@functools.cache
def _known(code: str, codes: Any) -> str:
    """The code as the SDK gives it: plain text where its enumeration doesn't have it."""
    return next((known for known in codes if known.value == code), code)


class Refused(Exception):
    """Raised where a service refuses an operation; the client raises the SDK's exception for it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(status, code)
