"""What was asked of the TLS side: the latest requests, without bodies, queries or credentials.

It tells a test what a client really did: how often it downloaded, with which ranges, and whom it showed credentials.
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
    """Whether it carried an Authorization header, right or wrong."""
    document_id: str | None = None
    operation: str | None = None
    fault: str | None = None
    refusal: str | None = None
    status: int | None = None
    """None while it is being answered, and when the connection was cut before an answer."""
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
