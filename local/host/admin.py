"""The admin endpoints: ping, host status, list of functions, start of a function, and drain of the queue listeners.

All but the ping need the master key. A missing or unknown key is a 401, a key of a lower level a 403. An endpoint that
doesn't exist is a 404 with any key.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from local.host import eventgrid, httptriggers, messages
from local.host.bindings import EventGridTrigger, Function, HttpTrigger, QueueTrigger
from local.host.errors import InvocationFailed
from local.host.httpresponses import unauthorized
from local.host.invocations import Cause, Invocations
from local.host.keys import Keys, Level
from local.host.protocol import Typed
from local.host.timers import timer_info

PREFIX = "/admin/"


class Admin:
    def __init__(
        self,
        functions: Sequence[Function],
        prefix: str,
        keys: Keys,
        invocations: Invocations,
        drain: Callable[[], None],
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._prefix = prefix
        self._keys = keys
        self._invocations = invocations
        self._drain = drain
        self._started: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """`path` is normalised and begins with PREFIX, in any casing."""
        endpoint = path[len(PREFIX) :].lower().strip("/").split("/")
        match request.method, endpoint:
            case (("GET" | "POST"), ["host", "ping"]):
                return web.Response()
            case ("GET", ["host", "status"] | ["functions"]) | ("POST", ["host", "drain"]):
                pass
            case (("GET" | "POST"), ["functions", _]):
                pass
            case _:
                return web.Response(status=404)
        level = self._keys.level(request.headers, request.query)
        if level is not Level.ADMIN:
            return unauthorized() if level is Level.ANONYMOUS else web.Response(status=403)
        return await self._answer(request, endpoint)

    async def _answer(self, request: web.Request, endpoint: list[str]) -> web.Response:
        match request.method, endpoint:
            case _, ["host", "status"]:
                return web.json_response(
                    {"id": "local", "state": "Running", "functions": [f.name for f in self._functions.values()]}
                )
            case _, ["host", "drain"]:
                self._drain()
                return web.Response(status=202)
            case _, ["functions"]:
                return web.json_response([self._described(f, request) for f in self._functions.values()])
            case "GET", ["functions", name] if function := self._functions.get(name):
                return web.json_response(self._described(function, request))
            case "POST", ["functions", name] if function := self._functions.get(name):
                return await self._start(function, request)
            case _:
                return web.Response(status=404)

    def _described(self, function: Function, request: web.Request) -> dict[str, Any]:
        trigger = function.trigger
        url = self._url(trigger, request) if isinstance(trigger, HttpTrigger) else None
        return {
            "name": function.name,
            "language": "python",
            "isDisabled": function.disabled,
            "invoke_url_template": url,
            "config": {"name": function.name, "bindings": list(function.raw)},
        }

    def _url(self, trigger: HttpTrigger, request: web.Request) -> str:
        return f"{request.url.origin()}/{httptriggers.template(self._prefix, trigger)}"

    async def _start(self, function: Function, request: web.Request) -> web.Response:
        try:
            text = _input(await request.read())
            cause = self._cause(function, text, request)
        except ValueError:
            return web.Response(status=400)
        task = asyncio.create_task(self._run(function, cause))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return web.Response(status=202)

    def _cause(self, function: Function, text: str, request: web.Request) -> Cause:
        """Raises ValueError for an input that doesn't fit the trigger."""
        match function.trigger:
            case HttpTrigger() as trigger:
                return httptriggers.by_hand(trigger, self._url(trigger, request), text.encode())
            case QueueTrigger():
                return messages.cause_by_hand(text.encode())
            case EventGridTrigger():
                event = json.loads(text)
                return eventgrid.cause_of(_object(event))
            case _:
                return Cause(data=Typed(kind="json", value=json.dumps(timer_info(None, past_due=False))))

    async def _run(self, function: Function, cause: Cause) -> None:
        try:
            await self._invocations.run(function, cause)
        except InvocationFailed:
            return  # it is in the log; the caller already has an answer


def _input(body: bytes) -> str:
    """The request's `input`, a string. Raises ValueError."""
    value = _object(json.loads(body)).get("input", "")
    if not isinstance(value, str):
        raise ValueError("input must be a string")  # noqa: TRY004 - the caller's body, not a programming error
    return value


def _object(parsed: Any) -> dict[str, Any]:
    if not isinstance(parsed, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - the caller's body, not a programming error
    return parsed
