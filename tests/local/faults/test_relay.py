"""The relay passes bytes both ways, and while it is dead nothing gets through: that is how ACS's absence looks."""

import asyncio

from local.faults.relay import Relay


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(1024):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def asked(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"hello")
    try:
        return await reader.read(5)
    finally:
        writer.close()


async def silent(address: str) -> bool:
    try:
        return await asked(address) == b""
    except ConnectionError:
        return True


async def test_a_dead_relay_cuts_and_refuses_and_then_serves_again():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, relay.running() as address:
        assert await asked(address) == b"hello"
        dying = asyncio.create_task(relay.die(0.5))
        await asyncio.sleep(0)
        assert await silent(address)
        await dying
        assert await asked(address) == b"hello"
