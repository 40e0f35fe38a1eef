"""Reads members of a JSON object leniently: a member that can't be used becomes unknown, and the others still count.

A name is found in any casing. Of several spellings the usual one counts first, and the next one where its value can't
be used. What is there and can't be used is remembered by its path, so that a log line can say it without the value.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]+")
_FIRST_YEAR, _LAST_YEAR = 1601, 9000  # a table's times begin with 1601; .NET writes the year 1 for "no time"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_MOST_DIGITS = 4000
_LONGEST_ADDRESS, _LONGEST_ID, _LONGEST_WORD = 8192, 1024, 256


def parse(text: str | bytes) -> Any:
    """JSON. Raises ValueError and RecursionError. A number of more digits than Python converts is kept as text."""
    return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else digits)


class Members:
    """The members of one JSON object. Anything but an object has none."""

    def __init__(self, source: Any, path: str = "", unknown: list[str] | None = None) -> None:
        """`unknown` collects the paths of members that can't be used; objects inside share their parent's."""
        self._path = path
        self.unknown: list[str] = [] if unknown is None else unknown
        self._found: dict[str, list[tuple[str, Any]]] = {}
        if isinstance(source, dict):
            for key, value in source.items():
                if isinstance(key, str):
                    self._found.setdefault(key.lower(), []).append((key, value))

    def read[T](self, name: str, convert: Callable[[Any], T | None]) -> T | None:
        """The member's value, converted by `convert`; None when it is absent, null or can't be converted."""
        present = [value for value in self._spellings(name) if value is not None]
        for value in present:
            converted = convert(value)
            if converted is not None:
                return converted
        if present:
            self.unknown.append(self._path + name)
        return None

    def inner(self, name: str) -> "Members":
        """The object under a name; one without members when there is none."""
        found = self.read(name, mapping)
        return Members(found, f"{self._path}{name}.", self.unknown)

    def at(self, index: int, name: str, value: Any) -> "Members":
        """An entry of a list under `name`."""
        return Members(value, f"{self._path}{name}.{index}.", self.unknown)

    def path(self, name: str) -> str:
        return self._path + name

    def _spellings(self, name: str) -> Iterator[Any]:
        found = self._found.get(name.lower(), [])
        for _, value in sorted(found, key=lambda one: one[0] != name):  # stable: the usual spelling first
            yield value


def mapping(value: Any) -> dict[Any, Any] | None:
    return value if isinstance(value, dict) else None


def entries(value: Any) -> list[Any] | None:
    """The entries of an array. A single object counts as an array of one."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else None


def identifier(value: Any) -> str | None:
    """An id of ACS: printable ASCII. At this length, percent-encoded, it fits a blob's 8 KiB of metadata."""
    return _ascii(value, _LONGEST_ID)


def address(value: Any) -> str | None:
    return _ascii(value, _LONGEST_ADDRESS)


def word(value: Any) -> str | None:
    """A word of an open set, in any script, as long as tables and logs can hold it."""
    usable = isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= _LONGEST_WORD
    return value if usable else None


def number(value: Any) -> int | float | None:
    """A finite number, or text that contains one. Booleans are refused."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value) if "." in value else int(value)
    if isinstance(value, int):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else None


def whole(value: Any) -> int | None:
    """A whole number, also as 3.0 or "3"."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def up_to(most: int) -> Callable[[Any], int | None]:
    """A whole number from 0 to `most`."""

    def bounded(value: Any) -> int | None:
        number = whole(value)
        return number if number is not None and 0 <= number <= most else None

    return bounded


def flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def moment(value: Any) -> datetime | None:
    """A time in UTC, of a year that tables and deadlines can take. Without a zone it is UTC already."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().upper())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None
    return at if _FIRST_YEAR < at.year < _LAST_YEAR else None


def _ascii(value: Any, longest: int) -> str | None:
    usable = isinstance(value, str) and value.strip() and len(value) <= longest and _PRINTABLE_ASCII.fullmatch(value)
    return value if usable else None
