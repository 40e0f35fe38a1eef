"""Unusual answers and fields of ACS, selected by a fixed number of each document or recording.

The number is the seed of a requested document, and a digest of the id for others. A document's oddities never change.
"""

import zlib

_EVERY = 8
_NO_START_TIME, _HALF_MILLISECONDS = 2, 3  # remainders; 0 and 1 are numbers of Range requests, see `whole_answer`


def number_of(identifier: str) -> int:
    return zlib.crc32(identifier.encode())


def whole_answer(number: int) -> int | None:
    """The number of the Range request for media, from 0, that gets the whole file with status 200. None: no request."""
    remainder = number % _EVERY
    return remainder if remainder < _NO_START_TIME else None


def has_no_start_time(number: int) -> bool:
    """Whether the recording's event has 0001-01-01, .NET's value for "no time", as the start time."""
    return number % _EVERY == _NO_START_TIME


def has_half_milliseconds(number: int) -> bool:
    """Whether durations in a chunk's metadata have a fraction."""
    return number % _EVERY == _HALF_MILLISECONDS
