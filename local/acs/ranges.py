"""HTTP ranges, as far as a media store honours them: one range of bytes, else everything."""

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


class RangeNotSatisfiableError(Exception):
    """The range begins beyond the end."""


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    start: int
    stop: int
    """The first byte that isn't wanted any more."""

    @property
    def size(self) -> int:
        return self.stop - self.start


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The part of a body of `size` bytes that is asked for; None when the header asks for nothing we know."""
    match = RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match["first"], match["last"]
    if first:
        start = int(first)
        stop = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, stop = max(size - int(last), 0), size
    else:
        return None
    if start >= size or stop <= start:
        raise RangeNotSatisfiableError
    return ByteRange(start=start, stop=stop)
