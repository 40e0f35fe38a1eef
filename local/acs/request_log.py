"""The log of the latest requests to the TLS endpoint, without bodies, queries or credentials.

Tests use it to check what a client did: the number of downloads, their ranges, and the hosts that got credentials.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CAPACITY = 20_000


@dataclass(kw_only=True)
class LoggedRequest:
    at: str
    method: str
    host: str
    path: str
    range: str | None
    authorized: bool
    """Whether the request has an Authorization header, valid or not."""
    document_id: str | None = None
    operation: str | None = None
    fault: str | None = None
    refusal: str | None = None
    status: int | None = None
    """None until the answer starts, and if the connection was reset before it."""
    bytes_sent: int = 0

    def described(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "method": self.method,
            "host": self.host,
            "path": self.path,
            "range": self.range,
            "hadAuthorization": self.authorized,
            "documentId": self.document_id,
            "operation": self.operation,
            "fault": self.fault,
            "refusal": self.refusal,
            "status": self.status,
            "bytesSent": self.bytes_sent,
        }


class RequestLog:
    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=CAPACITY)

    def add(self, request: LoggedRequest) -> LoggedRequest:
        self._requests.append(request)
        return request

    def select(self, *, document_id: str | None, host: str | None) -> Iterator[LoggedRequest]:
        for request in self._requests:
            if document_id in (None, request.document_id) and host in (None, request.host):
                yield request
