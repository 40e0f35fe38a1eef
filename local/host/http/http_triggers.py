"""HTTP functions: finds the function for a request, checks the key, and converts the outcome to a response.

An unknown route or method is a 404, a wrong key an empty 401, and an exception or a lost worker an empty 500. Reasons
are only in the log. A function gets a chunked body as an empty one, and all answers of functions are sent in chunks.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import HttpVersion11, web

from local.host.bindings import AuthLevel, Function, HttpTrigger
from local.host.configuration.keys import Keys, Level
from local.host.errors import InvocationFailed
from local.host.http.http_responses import response_of
from local.host.http.routes import Route
from local.host.invocations import Cause, Invocations
from local.host.worker.protocol import Typed

_NEEDED: dict[AuthLevel, tuple[Level, ...]] = {
    "anonymous": tuple(Level),
    "function": (Level.FUNCTION, Level.ADMIN),
    "admin": (Level.ADMIN,),
}


@dataclass(frozen=True, kw_only=True)
class _Endpoint:
    function: Function
    trigger: HttpTrigger
    route: Route


class HttpTriggers:
    def __init__(self, functions: Sequence[Function], prefix: str, keys: Keys, invocations: Invocations) -> None:
        """Raises ConfigError for an unsupported route."""
        self._keys = keys
        self._invocations = invocations
        self._endpoints = [
            _Endpoint(function=function, trigger=function.trigger, route=_route(prefix, function.trigger))
            for function in functions
            if isinstance(function.trigger, HttpTrigger) and not function.disabled
        ]

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse | None:
        """None if no function has the route and the method. `path` is normalised."""
        found = self._find(request.method, path)
        if found is None:
            return None
        endpoint, values = found
        if self._keys.level(request.headers, request.query) not in _NEEDED[endpoint.trigger.auth_level]:
            return web.Response(status=401)
        if not _is_principal(request.headers.get("x-ms-client-principal")):
            return web.Response(status=500)
        cause = Cause(
            data=Typed(kind="http", value=await _request_parts(request, values)),
            trace_parent=request.headers.get("traceparent", ""),
            trace_state=request.headers.get("tracestate", ""),
        )
        try:
            outcome = await self._invocations.run(endpoint.function, cause)
        except InvocationFailed:
            return web.Response(status=500)
        response = response_of(outcome.returned)
        if request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        return response

    def _find(self, method: str, path: str) -> tuple[_Endpoint, dict[str, str]] | None:
        for endpoint in self._endpoints:
            values = endpoint.route.match(path)
            if values is not None and (not endpoint.trigger.methods or method in endpoint.trigger.methods):
                return endpoint, values
        return None


def template(prefix: str, trigger: HttpTrigger) -> str:
    return "/".join(part for part in (prefix, trigger.route) if part)


def _route(prefix: str, trigger: HttpTrigger) -> Route:
    return Route.parse(template(prefix, trigger))


async def _request_parts(request: web.Request, values: dict[str, str]) -> dict[str, Any]:
    """The request as the real host forwards it: lowercase header names, joined repeated headers, no empty query values.

    A chunked body is dropped: the function gets an empty one (measured, also with enableChunkedRequestBinding).
    """
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    return {
        "method": request.method,
        "url": str(request.url),
        "headers": {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers},
        "query": {name: text for name in request.query if (text := ",".join(request.query.getall(name)))},
        "params": values,
        "body": b"" if chunked else await request.read(),
    }


def _is_principal(header: str | None) -> bool:
    try:
        base64.b64decode(header or "", validate=True)
    except ValueError:
        return False
    return True
