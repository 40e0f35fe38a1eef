"""The relay forwards bytes in both directions, and during a simulated outage it cuts and refuses connections."""

import asyncio

from local.faults.injection.relay import Relay


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(1024):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def ask(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"hello")
    try:
        return await reader.read(5)
    finally:
        writer.close()


async def silent(address: str) -> bool:
    try:
        return await ask(address) == b""
    except ConnectionError:
        return True


async def test_an_outage_cuts_and_refuses_connections_and_then_ends():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, relay.running() as address:
        assert await ask(address) == b"hello"
        dying = asyncio.create_task(relay.die(0.5))
        await asyncio.sleep(0)
        assert await silent(address)
        await dying
        assert await ask(address) == b"hello"
