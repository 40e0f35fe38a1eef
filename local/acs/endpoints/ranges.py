"""HTTP ranges as the media store supports them: one range of bytes. Other Range headers are ignored."""

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


class RangeNotSatisfiableError(Exception):
    """The range begins after the end of the body."""


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    start: int
    stop: int
    """The first byte after the range."""

    @property
    def size(self) -> int:
        return self.stop - self.start


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The requested part of a body of `size` bytes. None if the header is missing or isn't supported."""
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
