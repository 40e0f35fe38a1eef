"""A proxy between the app and Azurite, for blobs, queues and tables, that injects the faults of `storage_faults`.

The proxy changes only the host of a request, which no signature covers. It reads each request completely before it
forwards it, so a lost, late or repeated request is exactly that.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web
from azure.core.exceptions import AzureError
from azure.storage.queue.aio import QueueServiceClient
from yarl import URL

from local.acs.faults.fault_answers import cut
from local.faults.injection.storage_faults import Operation, Rule, StorageFault, StorageFaults

_SERVICES = {"blob": "BlobEndpoint", "queue": "QueueEndpoint", "table": "TableEndpoint"}
_OF_A_CONNECTION = frozenset({"connection", "host", "keep-alive", "transfer-encoding"})
_ADDED_BY_CLIENT = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_LARGEST = 64 * 1024 * 1024
_ERRORS = {
    StorageFault.ERROR_AFTER: (500, "InternalError"),
    StorageFault.BUSY_AFTER: (503, "ServerBusy"),
    StorageFault.BUSY: (503, "ServerBusy"),
    StorageFault.FULL: (507, "InsufficientStorage"),
}


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


type _Send = Callable[[], Awaitable[_Answer]]


class StorageProxy:
    def __init__(self, connection_string: str, storage_faults: StorageFaults) -> None:
        self._parts = dict(part.partition("=")[::2] for part in connection_string.rstrip(";").split(";"))
        self._queues = QueueServiceClient.from_connection_string(connection_string)
        self._storage_faults = storage_faults
        self._late: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Yields a connection string that leads through the proxy."""
        parts = dict(self._parts)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        connector = aiohttp.TCPConnector(limit=0)
        async with contextlib.AsyncExitStack() as exits:
            await exits.enter_async_context(self._queues)
            self._http = await exits.enter_async_context(
                aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
            )
            exits.push_async_callback(self._finish_late)
            for service, endpoint in _SERVICES.items():
                upstream = urlsplit(self._parts[endpoint])
                application = web.Application(client_max_size=_LARGEST)
                handler = partial(self._handle, service, f"{upstream.scheme}://{upstream.netloc}")
                application.router.add_route("*", "/{path:.*}", handler)
                runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
                await runner.setup()
                exits.push_async_callback(runner.cleanup)
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                parts[endpoint] = f"http://127.0.0.1:{runner.addresses[0][1]}{upstream.path}"
            yield "".join(f"{name}={value};" for name, value in parts.items())

    async def _finish_late(self) -> None:
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _handle(self, service: str, upstream: str, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except ConnectionError:
            return web.Response(status=500)  # the client is dead
        account, _, path = request.rel_url.raw_path.lstrip("/").partition("/")
        del account
        operation = Operation(service=service, method=request.method, path=path, query=request.rel_url.query_string)
        send = partial(self._send, upstream, request, body)
        rule = self._storage_faults.rule_for(operation)
        try:
            answer = await self._troubled(rule, operation, send) if rule is not None else await send()
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            answer = None
        if answer is None:
            cut(request)
            return web.Response(status=500)
        try:
            return await _respond(request, answer)
        except ConnectionError:
            return web.Response(status=500)  # the client is dead

    async def _troubled(self, rule: Rule, operation: Operation, send: _Send) -> _Answer | None:
        """The response to the client; None when the connection is cut."""
        match rule.fault:
            case StorageFault.OUTAGE:
                return None
            case StorageFault.LATE:
                task = asyncio.create_task(_later(rule.seconds, send))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                return None
            case StorageFault.SLOW:
                await asyncio.sleep(rule.seconds)
                return await send()
            case StorageFault.BUSY | StorageFault.FULL:
                return _error(*_ERRORS[rule.fault])
            case StorageFault.MESSAGE_TWICE:
                await send()
                return await send()
            case StorageFault.MESSAGE_LOST:
                answer = await send()
                await self._steal(operation, answer)
                return answer
            case StorageFault.LOST_ANSWER:
                await send()
                return None
            case _:
                await send()
                return _error(*_ERRORS[rule.fault])

    async def _send(self, upstream: str, request: web.Request, body: bytes) -> _Answer:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_A_CONNECTION}
        async with self._http.request(
            request.method,
            URL(f"{upstream}{request.rel_url.raw_path_qs}", encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=_ADDED_BY_CLIENT,
        ) as response:
            return _Answer(status=response.status, headers=response.headers.copy(), body=await response.read())

    async def _steal(self, operation: Operation, answer: _Answer) -> None:
        """Deletes a message that was just added to the queue."""
        queue = self._queues.get_queue_client(operation.path.partition("/")[0])
        for message in ET.fromstring(answer.body).iter("QueueMessage"):  # noqa: S314 - Azurite's own answer
            with contextlib.suppress(AzureError):
                await queue.delete_message(message.findtext("MessageId", ""), message.findtext("PopReceipt", ""))


async def _later(seconds: float, send: _Send) -> None:
    await asyncio.sleep(seconds)
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        await send()


def _error(status: int, code: str) -> _Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return _Answer(
        status=status, headers={"x-ms-error-code": code, "Content-Type": "application/xml"}, body=body.encode()
    )


async def _respond(request: web.Request, answer: _Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status)
    for name, value in answer.headers.items():
        if name.lower() not in _OF_A_CONNECTION | {"content-length"}:
            response.headers.add(name, value)
    is_head = request.method == "HEAD"
    bodiless = answer.status in (204, 304)
    if not bodiless:
        response.content_length = int(answer.headers.get("Content-Length", 0)) if is_head else len(answer.body)
    await response.prepare(request)
    if not is_head and not bodiless:
        await response.write(answer.body)
    await response.write_eof()
    return response
