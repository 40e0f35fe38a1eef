"""A relay of TCP in front of the simulator, whose death and return the app sees: connections cut, then none accepted.

The simulator's documents live in its memory, so it is not killed itself; whoever talks to it can't tell the difference.
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
        """Gives the address, host:port, that leads through here."""
        server = await asyncio.start_server(self._serve, self._host, 0)
        try:
            yield f"{self._host}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            self._cut()

    async def die(self, seconds: float) -> None:
        """For so long nothing answers."""
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
            there, back = await asyncio.open_connection(self._host, self._port, limit=_PIECE)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, back))
                group.create_task(_pass_on(there, writer))
        finally:
            for one in (writer, back):
                self._open.discard(one)
                one.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort() if writer.is_closing() else writer.close()
