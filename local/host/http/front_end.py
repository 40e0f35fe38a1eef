"""Handles each HTTP request before a function does: Kestrel's limits, and the host's own pages and headers.

The server refuses requests that exceed its limits, resolves `.` and `..` before anything is routed, and decodes a
path once. The host then tries its home page, its admin endpoints, its webhooks, and last the functions. It adds the
`customHeaders` of host.json to each answer, unless the function sets the same header. If host.json asks for it, it adds
Strict-Transport-Security to answers of requests that reached Azure's front end over TLS.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from local.host.http import admin, event_grid
from local.host.http.admin import Admin
from local.host.http.event_grid import EventGridWebhook
from local.host.http.http_triggers import HttpTriggers
from local.host.http.routes import BadPath, normalised

# Kestrel's defaults: bytes of the request line and of all headers, and their number.
_LONGEST_LINE = 8 * 1024
_MOST_HEADERS = 100
_LARGEST_HEADERS = 32 * 1024
# aiohttp's own limits of a line in bytes and of the number of headers. With lower ones, it would answer 400 first.
MOST_READ = 128 * 1024

# Hosts for which ASP.NET never sends Strict-Transport-Security.
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_HOME = "<!DOCTYPE html><html><head><title>Your Functions app is up and running</title></head><body></body></html>"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings and host.json values that apply to every request."""

    body_limit: int  # bytes
    custom_headers: Mapping[str, str]
    strict_transport: str | None
    has_home_page: bool


class Front:
    def __init__(self, triggers: HttpTriggers, webhook: EventGridWebhook, admin: Admin, rules: Rules) -> None:
        self._triggers = triggers
        self._webhook = webhook
        self._admin = admin
        self._rules = rules

    async def handle(self, request: web.Request) -> web.StreamResponse:
        refused = _beyond(request)
        if refused is not None:
            return _closing(refused)
        try:
            path = normalised(request.rel_url.raw_path)
        except BadPath:
            return _closing(400)
        response = await self._answer(request, path)
        for name, value in self._rules.custom_headers.items():
            response.headers.setdefault(name, value)
        if self._rules.strict_transport and _over_tls(request):
            response.headers.setdefault("Strict-Transport-Security", self._rules.strict_transport)
        return response

    async def _answer(self, request: web.Request, path: str) -> web.StreamResponse:
        if (request.content_length or 0) > self._rules.body_limit:
            return _closing(500)
        try:
            return await self._dispatch(request, path)
        except web.HTTPRequestEntityTooLarge:  # a chunked body, whose length isn't known before
            return _closing(500)

    async def _dispatch(self, request: web.Request, path: str) -> web.StreamResponse:
        lowered = path.lower()
        if lowered.startswith(admin.PREFIX):
            return await self._admin.handle(request, path)
        if lowered.startswith(event_grid.WEBHOOKS):
            return await self._webhook.handle(request, lowered)
        answer = await self._triggers.handle(request, path)
        if answer is not None:
            return answer
        if path == "/" and request.method == "GET":
            return web.Response(text=_HOME, content_type="text/html") if self._rules.has_home_page else _nothing()
        return web.Response(status=404)


def _beyond(request: web.Request) -> int | None:
    """The status of a request that exceeds a limit of the server."""
    line = f"{request.method} {request.raw_path} HTTP/1.1\r\n"
    if len(line) > _LONGEST_LINE:
        return 414
    headers = request.raw_headers
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
    return 431 if len(headers) > _MOST_HEADERS or size > _LARGEST_HEADERS else None


def _over_tls(request: web.Request) -> bool:
    """Azure's front end terminates TLS and sets X-Forwarded-Proto. ASP.NET excludes local host names."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
    return forwarded and (request.url.host or "") not in _OWN_NAMES


def _nothing() -> web.Response:
    return web.Response(status=204)


def _closing(status: int) -> web.Response:
    response = web.Response(status=status)
    response.force_close()
    return response
