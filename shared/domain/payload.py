"""The bytes of one block, as they came from the network: in pieces, never joined.

Joining them costs a copy of every byte and the memory for it; hashing and sending take pieces as well.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cached_property

_PIECE = 128 * 1024  # bytes; smaller ones are put together: each costs a call when it is hashed and when it is sent


@dataclass(frozen=True)
class Payload:
    """Bytes in pieces. Can be gone through as often as wanted, so that a request with it can be repeated."""

    pieces: tuple[bytes, ...]

    @classmethod
    def of(cls, data: bytes) -> "Payload":
        return cls((data,))

    @cached_property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def __bytes__(self) -> bytes:
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def head(self, length: int) -> bytes:
        """The first `length` bytes, or all where there are fewer."""
        return self.part(0, length)

    def part(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`, or all that there are from it."""
        return b"".join(_cut(self.pieces, start, length))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


class PayloadBuilder:
    """Gathers pieces as they come."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._small: list[bytes] = []
        self._small_size = 0
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self._small.append(piece)
        self._small_size += len(piece)
        if self._small_size >= _PIECE:
            self._settle()

    def take(self) -> Payload:
        """What was gathered; the builder is empty then."""
        self._settle()
        payload = Payload(tuple(self._pieces))
        self._pieces, self.size = [], 0
        return payload

    def _settle(self) -> None:
        if self._small:
            self._pieces.append(self._small[0] if len(self._small) == 1 else b"".join(self._small))
        self._small, self._small_size = [], 0


def _cut(pieces: Iterable[bytes], start: int, length: int) -> Iterable[bytes]:
    for piece in pieces:
        if start < len(piece):
            found = piece[start : start + length]
            yield found
            length -= len(found)
            if length <= 0:
                return
        start = max(0, start - len(piece))
