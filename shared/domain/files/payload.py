"""The bytes of one block, in the pieces in which the network delivered them.

Large pieces are never joined: joining would copy every byte and need memory for the copy. Hashing and sending work with
pieces, too.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cached_property

# Smaller pieces are joined until they have this many bytes: each piece costs one call to hash and one to send.
_PIECE = 128 * 1024


@dataclass(frozen=True)
class Payload:
    """Bytes in pieces. Can be iterated repeatedly, so a request that sends them can be retried."""

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
        """The first `length` bytes, or all of them if there are fewer."""
        return self.part(0, length)

    def part(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, or fewer if the payload ends before."""
        return b"".join(_cut(self.pieces, start, length))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


class PayloadBuilder:
    """Collects pieces into a payload."""

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
            self._join_small()

    def take(self) -> Payload:
        """The collected payload. Empties the builder."""
        self._join_small()
        payload = Payload(tuple(self._pieces))
        self._pieces, self.size = [], 0
        return payload

    def _join_small(self) -> None:
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
