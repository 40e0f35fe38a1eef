"""An Event Grid custom topic for CloudEvents. The product announces to it, and tests read the accepted events.

It is as strict as Event Grid: the key must be valid, and the request must be a batch of CloudEvents 1.0 with attributes
that the specification allows, of at most one megabyte. The first event's recording and document select a fault.
"""

import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from local.acs.errors import AcsError
from local.acs.faults.fault_answers import answered
from local.acs.faults.requested_faults import Faults, Target
from local.acs.request_log import LoggedRequest
from local.acs.times import acs_time, now

TOPIC_HOST = "callvault-news.westeurope-1.eventgrid.azure.net"
TOPIC_ENDPOINT = f"https://{TOPIC_HOST}/api/events"
_API_VERSION = "2018-01-01"
_BATCH = "application/cloudevents-batch+json"
_REQUIRED = ("id", "source", "specversion", "type")
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
_NO_TEXT = frozenset({"data"})


@dataclass(kw_only=True)
class AnnouncementTopic:
    faults: Faults
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    taken: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request, entry: LoggedRequest) -> web.StreamResponse:
        if (request.method, request.path) != ("POST", "/api/events"):
            raise AcsError(404, "NotFound", "There is no such operation.")
        if request.query.get("api-version") != _API_VERSION:
            raise AcsError(400, "BadRequest", "The api-version is missing or unknown.")
        if not hmac.compare_digest(request.headers.get("aeg-sas-key", "").encode(), self.key.encode()):
            raise AcsError(401, "Unauthorized", "The request has no key of this topic.")
        if request.content_type != _BATCH:
            raise AcsError(400, "BadRequest", f"The content type must be {_BATCH}.")
        events = _events(await request.read())
        target = _target(events)
        fault = self.faults.take("announce", target)
        entry.operation, entry.document_id = "announce", target.document_id
        entry.fault = fault.kind if fault else None

        async def perform() -> web.StreamResponse:
            at = acs_time(now())
            self.taken += [{"at": at, "event": event} for event in events]
            return web.Response(status=200)

        return await answered(fault, request, perform)


def _events(body: bytes) -> list[dict[str, Any]]:
    try:
        events = json.loads(body)
    except ValueError:
        raise AcsError(400, "BadRequest", "The body isn't JSON.") from None
    if not isinstance(events, list) or not events or not all(isinstance(event, dict) for event in events):
        raise AcsError(400, "BadRequest", "The body isn't an array of events.")
    for event in events:
        _check(event)
    return events


def _check(event: dict[str, Any]) -> None:
    """Raises AcsError unless the event is a valid CloudEvent 1.0."""
    for name in _REQUIRED:
        if not (isinstance(event.get(name), str) and event[name]):
            raise AcsError(400, "BadRequest", f"The attribute {name} is missing.")
    if event["specversion"] != "1.0":
        raise AcsError(400, "BadRequest", "The specversion isn't 1.0.")
    for name, value in event.items():
        if not _ATTRIBUTE.fullmatch(name) or (name not in _NO_TEXT and not isinstance(value, str)):
            raise AcsError(400, "BadRequest", f"The attribute {name[:40]} is not one that CloudEvents allows.")
    if "time" in event:
        try:
            datetime.fromisoformat(event["time"])
        except ValueError:
            raise AcsError(400, "BadRequest", "The time isn't one of RFC 3339.") from None


def _target(events: list[dict[str, Any]]) -> Target:
    data = events[0].get("data")
    fields = data if isinstance(data, dict) else {}
    return Target(recording_id=fields.get("recordingId"), document_id=fields.get("documentId"))
