"""Clients of the simulator: the real SDK over TLS, and the control API over HTTP."""

import asyncio
import socket
import ssl
import time
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.pipeline.transport import AioHttpTransport

PATIENCE = 20.0


class EveryHostIs(AbstractResolver):
    """Resolves every name to one address and port."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._host, self._port = host, int(port)

    async def resolve(self, host, port=0, family=socket.AF_INET):  # noqa: ARG002 - the requested port is ignored
        found = {"hostname": host, "host": self._host, "port": self._port}
        return [{**found, "family": family, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self):
        pass


@asynccontextmanager
async def tls_session(simulator):
    context = ssl.create_default_context(cafile=simulator.ca)
    connector = aiohttp.TCPConnector(resolver=EveryHostIs(simulator.tls), ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@asynccontextmanager
async def sdk_client(simulator, connection_string, **options):
    async with tls_session(simulator) as session:
        transport = AioHttpTransport(session=session, session_owner=False)
        options.setdefault("retry_total", 0)
        async with CallAutomationClient.from_connection_string(
            connection_string, transport=transport, **options
        ) as client:
            yield client


class Control:
    def __init__(self, base):
        self._base = base

    async def __aenter__(self):
        self._session = aiohttp.ClientSession(self._base)
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def ask(self, method, path, body=None):
        """The status and the body of any answer."""
        async with self._session.request(method, path, json=body) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.read())

    async def get(self, path):
        return await self._good("GET", path)

    async def post(self, path, **body):
        return await self._good("POST", path, body)

    async def delete(self, path):
        return await self._good("DELETE", path)

    async def _good(self, method, path, body=None):
        status, answer = await self.ask(method, path, body)
        assert status < 400, answer
        return answer


async def eventually(condition):
    """Polls an async condition until it returns a true value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := await condition()):
        assert time.monotonic() < deadline, "the condition wasn't true in time"
        await asyncio.sleep(0.01)
    return value


async def downloaded(client, location, **options):
    """All bytes of a location, read by the SDK. `headers` may have a `Range`."""
    response = await client.download_recording(location, **options)
    return b"".join([piece async for piece in response.iter_raw()])


async def recorded(control, client, *, seconds=10, call=None, **options):
    """Records a call for `seconds`. Returns the control API's description of the ended recording."""
    call = call or await control.post("/calls")
    options = options or {"recording_content_type": "audio", "recording_format_type": "wav"}
    started = await client.start_recording(server_call_id=call["serverCallId"], **options)
    await control.post(f"/recordings/{started.recording_id}/advance", seconds=seconds)
    await client.stop_recording(started.recording_id)
    return await control.get(f"/recordings/{started.recording_id}")
