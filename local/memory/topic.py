"""An Event Grid custom topic in memory, as the pipeline client that the product sends announcements with.

It accepts what Event Grid accepts: batches of CloudEvents 1.0, of at most a megabyte in all. It has no key: the
pipeline's policies add the credential, and they aren't here.
"""

import json
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.core.rest import HttpRequest

from local.memory.storage.account import Account, Client, Operation, Service, check_options
from local.memory.storage.refusals import Response

_ENDPOINT = "https://memory.westeurope-1.eventgrid.azure.net"
_OPERATION = ("POST", f"{_ENDPOINT}/api/events?api-version=2018-01-01")
_BATCH = "application/cloudevents-batch+json"
_LARGEST = 1024 * 1024  # bytes
_REQUIRED = ("id", "source", "specversion", "type")
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")


@dataclass
class MemoryTopic(Client):
    """`taken` are the accepted events in their order. `refuse(503)` makes the next request fail."""

    account: Account
    taken: list[dict[str, Any]] = field(default_factory=list)
    _refusals: deque[int] = field(default_factory=deque)

    def refuse(self, status: int, *, times: int = 1) -> None:
        self._refusals.extend([status] * times)

    def format_url(self, path: str) -> str:
        return _ENDPOINT + path

    async def send_request(
        self, request: HttpRequest, *, connection_timeout: float = 0, read_timeout: float = 0, **options: Any
    ) -> Response:
        del connection_timeout, read_timeout
        check_options(options)
        # The product's pipeline for the topic has no retries.
        operation = Operation(
            service=Service.TOPIC, method="publish", target=request.url, writes=True, is_retried=False
        )
        return await self.account.turn(operation, lambda: self._answer(request))

    def _answer(self, request: HttpRequest) -> Response:
        if self._refusals:
            return Response(self._refusals.popleft())
        body = request.content if isinstance(request.content, bytes) else str(request.content).encode()
        if request.url.partition("?")[0] != _OPERATION[1].partition("?")[0] or request.method != _OPERATION[0]:
            return Response(404)
        if len(body) > _LARGEST:
            return Response(413)
        kind = request.headers.get("Content-Type", "").partition(";")[0]
        events = _events(body)
        if request.url != _OPERATION[1] or kind != _BATCH or not events:
            return Response(400)
        self.taken += events
        return Response(200)


def _events(body: bytes) -> list[dict[str, Any]]:
    """None if one of them isn't valid."""
    try:
        events = json.loads(body)
    except ValueError:
        return []
    if not isinstance(events, list) or not all(isinstance(event, dict) and _is_valid(event) for event in events):
        return []
    return events


def _is_valid(event: dict[str, Any]) -> bool:
    texts = {name: value for name, value in event.items() if name != "data"}
    if not all(_ATTRIBUTE.fullmatch(name) and isinstance(value, str) for name, value in texts.items()):
        return False
    if event.get("specversion") != "1.0" or not all(event.get(name) for name in _REQUIRED):
        return False
    try:
        return "time" not in event or bool(datetime.fromisoformat(event["time"]))
    except ValueError:
        return False
