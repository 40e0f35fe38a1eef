"""A proxy in front of a storage service that makes some requests fail. Azurite itself can't simulate failures."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.pipeline.transport import AsyncHttpTransport
from yarl import URL

from local.stack import Azurite

_NOT_FORWARDED = {"host", "transfer-encoding", "connection", "expect"}
_SIGNED = (
    "Content-Type",
    "Accept",
    "Accept-Encoding",
    "User-Agent",
)  # headers that a signature covers even if they are absent
_ALL_OF_A_BLOCK = 64 * 1024 * 1024  # bytes


class Mishap(Enum):
    BUSY = auto()  # 503; the request isn't carried out
    REFUSED = auto()  # 403; the request isn't carried out
    BROKEN_OFF = auto()  # the connection ends while the request is being sent
    ANSWER_LOST = auto()  # the request is carried out, and the connection ends before the answer


def through(azurite: Azurite, front: "StorageFront") -> str:
    """Azurite's connection string, with a front instead of its service."""
    whole = azurite.connection_string.replace(str(front.target), str(front.url.origin()))
    assert whole != azurite.connection_string
    return whole


def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's pauses before it sends a request again take no time."""

    async def sleep(_: AsyncHttpTransport[Any, Any], duration: float) -> None:
        await asyncio.sleep(min(duration, 0.01))

    monkeypatch.setattr(AsyncHttpTransport, "sleep", sleep)


@dataclass
class StorageFront:
    """Forwards requests. `spoil` makes the next requests of an operation fail."""

    target: URL
    url: URL = field(default_factory=URL)
    seen: list[str] = field(default_factory=list)
    _spoilt: list[tuple[str, str, Mishap]] = field(default_factory=list)
    _client: aiohttp.ClientSession | None = None

    def spoil(self, operation: str, mishap: Mishap, *, times: int, path: str = "") -> None:
        """Makes requests fail. `operation`: method and value of `comp`, as `PUT block`. `path`: a part of the path."""
        self._spoilt += [(operation, path, mishap)] * times

    def recover(self) -> None:
        """Forwards all requests again."""
        self._spoilt.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        operation = " ".join(filter(None, (request.method, request.query.get("comp"))))
        self.seen.append(operation)
        spoilt = next((one for one in self._spoilt if one[0] == operation and one[1] in request.path), None)
        if spoilt is not None:
            self._spoilt.remove(spoilt)
        mishap = spoilt[2] if spoilt else None
        if mishap is Mishap.BUSY:
            await request.read()
            return web.Response(status=503, headers={"x-ms-error-code": "ServerBusy"})
        if mishap is Mishap.REFUSED:
            await request.read()
            return web.Response(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})
        if mishap is Mishap.BROKEN_OFF:
            await request.content.readany()
            return self._hung_up(request)
        answer = await self._forwarded(request)
        return self._hung_up(request) if mishap is Mishap.ANSWER_LOST else answer

    async def _forwarded(self, request: web.Request) -> web.Response:
        assert self._client is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED}
        url = self.target.join(URL(request.raw_path, encoded=True))
        body = await request.read() or None
        async with self._client.request(
            request.method, url, data=body, headers=headers, allow_redirects=False, skip_auto_headers=_SIGNED
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_FORWARDED}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    def _hung_up(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response(status=500)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["StorageFront"]:
        app = web.Application(client_max_size=_ALL_OF_A_BLOCK)
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            async with aiohttp.ClientSession(auto_decompress=False) as self._client:
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                (address,) = runner.addresses
                self.url = URL.build(scheme="http", host="127.0.0.1", port=address[1])
                yield self
        finally:
            await runner.cleanup()
