"""Content of any length that is computed when it is read.

Content is a sequence of parts, and each part returns the bytes at an offset. A chunk of many gigabytes needs only the
memory of its repeating pattern. The same content always has the same bytes.
"""

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

PIECE = 1 << 20


class Part(Protocol):
    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes | memoryview:
        """At least one and at most `length` bytes from `offset`, which lies inside the part."""
        ...


@dataclass(frozen=True)
class Literal:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> memoryview:
        return memoryview(self.data)[offset : offset + length]


@dataclass(frozen=True)
class Repeating:
    """A repeated pattern that begins at `phase`."""

    pattern: bytes
    size: int
    phase: int = 0

    def read(self, offset: int, length: int) -> memoryview:
        begin = (self.phase + offset) % len(self.pattern)
        return memoryview(self.pattern)[begin : begin + min(length, self.size - offset)]


@dataclass(frozen=True)
class StoredFile:
    path: Path
    size: int

    def read(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), min(length, self.size - offset), offset)


class Content:
    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = [part for part in parts if part.size]
        self._ends = list(accumulate(part.size for part in self._parts))
        self._sha256: str | None = None

    @property
    def size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes | memoryview]:
        """The bytes from `start` up to `stop`, in pieces of at most 1 MiB."""
        end = self.size if stop is None else min(stop, self.size)
        while start < end:
            position = bisect_right(self._ends, start)
            part = self._parts[position]
            begin = self._ends[position] - part.size
            piece = part.read(start - begin, min(PIECE, end - start))
            start += len(piece)
            yield piece

    def sha256(self) -> str:
        """Reads all content the first time, so call it outside the event loop."""
        if self._sha256 is None:
            digest = hashlib.sha256()
            for piece in self.pieces():
                digest.update(piece)
            self._sha256 = digest.hexdigest()
        return self._sha256


def widened(pattern: bytes) -> bytes:
    """Repeats the pattern to at least 1 MiB, because serving short pieces is slow."""
    return pattern * -(-PIECE // len(pattern)) if len(pattern) < PIECE else pattern
