"""The channel between the host and a worker process: whole messages over a socket.

A message is JSON, followed by its byte strings as they are, so large bodies aren't encoded. The end of the stream means
that the other side has ended. A partial message is never delivered.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

type Message = Mapping[str, Any]

_HEAD = struct.Struct(">II")
_LENGTH = struct.Struct(">Q")
_BLOB = "$blob"


def encode(message: Message) -> list[bytes]:
    """The frame of a message, as pieces to write in order. Raises TypeError for values that JSON doesn't support."""
    blobs: list[bytes] = []

    def lift(value: object) -> dict[str, int]:
        if not isinstance(value, bytes):
            raise TypeError(f"{type(value).__name__} cannot cross the channel")
        blobs.append(value)
        return {_BLOB: len(blobs) - 1}

    text = json.dumps(message, default=lift).encode()
    return [_HEAD.pack(len(text), len(blobs)), *(_LENGTH.pack(len(blob)) for blob in blobs), text, *blobs]


def decode(text: bytes, blobs: list[bytes]) -> Message:
    def lower(value: dict[str, Any]) -> Any:
        index = value.get(_BLOB)
        # An app's value of that name, such as a header, is a string. Only ours is a number.
        return blobs[index] if isinstance(index, int) else value

    message: Message = json.loads(text, object_hook=lower)
    return message


class Channel:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> "Channel":
        return cls(*await asyncio.open_unix_connection(sock=sock))

    async def send(self, message: Message) -> None:
        """Raises ConnectionError when the other side is gone."""
        # One call without an await between the pieces, so messages of concurrent senders don't mix. Empty pieces are
        # left out, because asyncio (3.13) keeps an empty last piece forever and tries to write it in a busy loop.
        self._writer.writelines(piece for piece in encode(message) if piece)
        await self._writer.drain()

    async def receive(self) -> Message | None:
        """The next message. None at the end of the stream, even within a message."""
        try:
            length, count = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            sizes = [_LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))[0] for _ in range(count)]
            text = await self._reader.readexactly(length)
            return decode(text, [await self._reader.readexactly(size) for size in sizes])
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def close(self) -> None:
        """Closes at once, without waiting for a peer that no longer reads."""
        self._writer.transport.abort()
