"""Unusual answers and fields of ACS, selected by a fixed number of each document or recording.

For a document made to order the number is its seed, for any other a digest of its id: the same document is always odd
in the same way.
"""

import zlib

_EVERY = 8
_NO_START_TIME, _HALF_MILLISECONDS = 2, 3  # remainders; 0 and 1 are the Range requests that are answered whole


def number_of(identifier: str) -> int:
    return zlib.crc32(identifier.encode())


def whole_answer(number: int) -> int | None:
    """Which Range request for a document's media, counted from 0, is answered with 200 and all of it; None for none."""
    remainder = number % _EVERY
    return remainder if remainder < _NO_START_TIME else None


def has_no_start_time(number: int) -> bool:
    """Whether the event of a recording says 0001-01-01, .NET's "no time", for its start."""
    return number % _EVERY == _NO_START_TIME


def has_half_milliseconds(number: int) -> bool:
    """Whether durations in a chunk's metadata have a fraction."""
    return number % _EVERY == _HALF_MILLISECONDS
