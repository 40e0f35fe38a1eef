"""A TCP relay in front of the simulator that can simulate an outage: it cuts connections and refuses new ones.

The simulator keeps its documents in memory, so it isn't stopped itself. Its clients can't tell the difference.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

_PIECE = 1 << 18


class Relay:
    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self._host, self._port = host, int(port)
        self._dead = False
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Yields the address of the relay, host:port."""
        server = await asyncio.start_server(self._serve, self._host, 0)
        try:
            yield f"{self._host}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            self._cut()

    async def die(self, seconds: float) -> None:
        """Simulates an outage for this time."""
        self._dead = True
        self._cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._dead = False

    def _cut(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._dead:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(self._host, self._port, limit=_PIECE)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, upstream_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_forward(reader, upstream_writer))
                group.create_task(_forward(upstream_reader, writer))
        finally:
            for one in (writer, upstream_writer):
                self._open.discard(one)
                one.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort() if writer.is_closing() else writer.close()
