"""The Event Grid webhook: the subscription handshakes, and deliveries as invocations, one for each event.

A delivery is answered 202 only when every event of it succeeded; any failure is a 500, and Event Grid sends the whole
of it again. What can't be parsed is a 400, which Event Grid does not repeat.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from local.host.bindings import EventGridTrigger, Function
from local.host.errors import InvocationFailed
from local.host.invocations import Cause, Invocations
from local.host.keys import Keys, Level
from local.host.protocol import Typed

PATH = "/runtime/webhooks/eventgrid"


class EventGridWebhook:
    def __init__(self, functions: Sequence[Function], keys: Keys, invocations: Invocations) -> None:
        self._keys = keys
        self._invocations = invocations
        self._functions = {
            function.name.lower(): function
            for function in functions
            if isinstance(function.trigger, EventGridTrigger) and not function.disabled
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        level = self._keys.level(request.headers, request.query)
        if level not in (Level.SYSTEM, Level.ADMIN):
            # A key that is good for something else is known, but forbidden here.
            return web.Response(status=403 if level is Level.FUNCTION else 401)
        function = self._functions.get(request.query.get("functionName", "").lower())
        if function is None:
            return web.Response(status=404)
        if request.method == "OPTIONS":
            return _allowed(request)
        if request.method != "POST":
            return web.Response(status=400)
        match request.headers.get("aeg-event-type", "").lower():
            case "subscriptionvalidation":
                return _validated(await request.read())
            case "notification":
                return await self._deliver(function, await request.read())
            case "unsubscribe":
                return web.Response(status=202)
            case _:
                return web.Response(status=400)

    async def _deliver(self, function: Function, body: bytes) -> web.Response:
        events = _events(body)
        if events is None:
            return web.Response(status=400)
        succeeded = await asyncio.gather(*(self._succeeds(function, event) for event in events))
        return web.Response(status=202 if all(succeeded) else 500)

    async def _succeeds(self, function: Function, event: Mapping[str, Any]) -> bool:
        try:
            await self._invocations.run(function, cause_of(event))
        except InvocationFailed:
            return False
        return True


def cause_of(event: Mapping[str, Any]) -> Cause:
    metadata = {"data": Typed(kind="json", value=json.dumps(event["data"]))} if "data" in event else {}
    trace_parent = event.get("traceparent")
    return Cause(
        data=Typed(kind="json", value=json.dumps(event)),
        metadata=metadata,
        trace_parent=trace_parent if isinstance(trace_parent, str) else "",
    )


def _events(body: bytes) -> list[dict[str, Any]] | None:
    """The events of a delivery: an array, or a single one; None for anything else."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    events = parsed if isinstance(parsed, list) else [parsed]
    return events if all(isinstance(event, dict) for event in events) else None


def _validated(body: bytes) -> web.Response:
    events = _events(body)
    data = events[0].get("data") if events else None
    code = data.get("validationCode") if isinstance(data, dict) else None
    if not isinstance(code, str):
        return web.Response(status=400)
    return web.json_response({"validationResponse": code})


def _allowed(request: web.Request) -> web.Response:
    """The handshake of CloudEvents webhooks."""
    origin = request.headers.get("WebHook-Request-Origin")
    if origin is None:
        return web.Response(status=400)
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
