"""The Event Grid webhook: the subscription handshakes, and deliveries, with one invocation for each event.

A delivery is answered with 202 only if all of its events succeed. Any failure is a 500 with a text, and Event Grid
repeats the whole delivery. A body that isn't JSON, or an event that isn't an object, is also a 500 (measured). The
webhooks of other extensions accept only the master key.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from local.host.bindings import EventGridTrigger, Function
from local.host.configuration.keys import Keys, Level
from local.host.errors import InvocationFailed
from local.host.http.http_responses import unauthorized
from local.host.invocations import Cause, Invocations
from local.host.worker.protocol import Typed

WEBHOOKS = "/runtime/webhooks/"
_PATH = f"{WEBHOOKS}eventgrid"


class EventGridWebhook:
    def __init__(self, functions: Sequence[Function], keys: Keys, invocations: Invocations) -> None:
        self._keys = keys
        self._invocations = invocations
        self._functions = {
            function.name: function
            for function in functions
            if isinstance(function.trigger, EventGridTrigger) and not function.disabled
        }

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """`path` is normalised, in lower case, and begins with WEBHOOKS."""
        level = self._keys.level(request.headers, request.query)
        if level is Level.ANONYMOUS:
            return unauthorized()
        is_ours = path.rstrip("/") == _PATH
        if level is not Level.ADMIN and not (level is Level.SYSTEM and is_ours):
            # The key is valid, but not for this webhook.
            return web.Response(status=403)
        # The function's name is compared with its casing, unlike everything else in a URL (measured).
        function = self._functions.get(request.query.get("functionName", "")) if is_ours else None
        if function is None:
            return web.Response(status=404)
        if request.method == "OPTIONS":
            return _allowed(request)
        if request.method not in ("POST", "PUT"):
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
            return web.Response(status=500)
        succeeded = await asyncio.gather(*(self._succeeds(function, event) for event in events))
        if all(succeeded):
            return web.Response(status=202)
        return web.Response(status=500, text=f"Exception while executing function: Functions.{function.name}")

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
    """The events of a delivery, which is an array or a single event. None for anything else."""
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
        return web.Response(status=500)
    # The body is JSON, but the content type isn't (measured).
    return web.Response(text=json.dumps({"validationResponse": code}), content_type="text/plain")


def _allowed(request: web.Request) -> web.Response:
    """Answers the handshake of CloudEvents webhooks."""
    origin = request.headers.get("WebHook-Request-Origin")
    if origin is None:
        return web.Response(status=400)
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
