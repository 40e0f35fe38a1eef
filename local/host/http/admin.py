"""The admin endpoints: ping, host status, list of functions, start of a timer, and drain of the queue listeners.

All but the ping need the master key. A missing or unknown key is a 401, a key of a lower level a 403. An endpoint that
doesn't exist is a 404 with any key. Unlike the real host, this one starts only timers.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from local.host.bindings import Function, HttpTrigger, TimerTrigger
from local.host.configuration.keys import Keys, Level
from local.host.errors import InvocationFailed
from local.host.http import http_triggers
from local.host.http.http_responses import unauthorized
from local.host.invocations import Cause, Invocations
from local.host.triggers.timers import timer_info
from local.host.worker.protocol import Typed

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
                return self._start(function, await request.read())
            case _:
                return web.Response(status=404)

    def _described(self, function: Function, request: web.Request) -> dict[str, Any]:
        trigger = function.trigger
        url = None
        if isinstance(trigger, HttpTrigger):
            url = f"{request.url.origin()}/{http_triggers.template(self._prefix, trigger)}"
        return {
            "name": function.name,
            "language": "python",
            "isDisabled": function.disabled,
            "invoke_url_template": url,
            "config": {"name": function.name, "bindings": list(function.raw)},
        }

    def _start(self, function: Function, body: bytes) -> web.Response:
        if not isinstance(function.trigger, TimerTrigger) or not _is_input(body):
            return web.Response(status=400)
        task = asyncio.create_task(self._run(function))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return web.Response(status=202)

    async def _run(self, function: Function) -> None:
        info = json.dumps(timer_info(None, past_due=False))
        # A failure is in the log. The caller already has an answer.
        with contextlib.suppress(InvocationFailed):
            await self._invocations.run(function, Cause(data=Typed(kind="json", value=info)))


def _is_input(body: bytes) -> bool:
    """Whether the body is a JSON object whose `input`, if there is one, is a string. Timers don't use it."""
    try:
        content = json.loads(body)
    except ValueError:
        return False
    return isinstance(content, dict) and isinstance(content.get("input", ""), str)
