"""Parses the members of a JSON object leniently: an invalid member becomes unknown, and the others stay valid.

Names match in any casing. If a name occurs in several casings, the usual one is tried first, then the others. The paths
of invalid members are collected, so that a log line can name them without their values.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]+")
_FIRST_YEAR, _LAST_YEAR = 1601, 9000  # Table Storage's times begin in 1601; .NET writes the year 1 for "no time"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_MOST_DIGITS = 4000
_LONGEST_ADDRESS, _LONGEST_ID, _LONGEST_WORD = 8192, 1024, 256


def parse(text: str | bytes) -> Any:
    """Parses JSON. Raises ValueError or RecursionError. Integers with more digits than Python converts stay text."""
    return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else digits)


class Members:
    """The members of one JSON object. Any other value has no members."""

    def __init__(self, source: Any, path: str = "", unknown: list[str] | None = None) -> None:
        """`unknown` collects the paths of invalid members; nested objects share their parent's list."""
        self._path = path
        self.unknown: list[str] = [] if unknown is None else unknown
        self._found: dict[str, list[tuple[str, Any]]] = {}
        if isinstance(source, dict):
            for key, value in source.items():
                if isinstance(key, str):
                    self._found.setdefault(key.lower(), []).append((key, value))

    def read[T](self, name: str, convert: Callable[[Any], T | None]) -> T | None:
        """The member's value, converted by `convert`; None if it is absent, null or invalid."""
        present = [value for value in self._spellings(name) if value is not None]
        for value in present:
            converted = convert(value)
            if converted is not None:
                return converted
        if present:
            self.unknown.append(self._path + name)
        return None

    def inner(self, name: str) -> "Members":
        """The nested object `name`; without members if there is none."""
        found = self.read(name, mapping)
        return Members(found, f"{self._path}{name}.", self.unknown)

    def at(self, index: int, name: str, value: Any) -> "Members":
        """An entry of a list under `name`."""
        return Members(value, f"{self._path}{name}.{index}.", self.unknown)

    def path(self, name: str) -> str:
        return self._path + name

    def _spellings(self, name: str) -> Iterator[Any]:
        found = self._found.get(name.lower(), [])
        for _, value in sorted(found, key=lambda one: one[0] != name):  # stable sort: the usual casing first
            yield value


def mapping(value: Any) -> dict[Any, Any] | None:
    return value if isinstance(value, dict) else None


def entries(value: Any) -> list[Any] | None:
    """The entries of an array. A single object counts as an array with one entry."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else None


def identifier(value: Any) -> str | None:
    """An ID from ACS: printable ASCII. Its maximum length, percent-encoded, fits into a blob's 8 KiB of metadata."""
    return _ascii(value, _LONGEST_ID)


def address(value: Any) -> str | None:
    return _ascii(value, _LONGEST_ADDRESS)


def word(value: Any) -> str | None:
    """A printable value of an open set, in any script, short enough for tables and logs."""
    usable = isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= _LONGEST_WORD
    return value if usable else None


def number(value: Any) -> int | float | None:
    """A finite number, or text that is one. Booleans are invalid."""
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
    """A time in UTC, in a year that tables and deadlines support. Without a zone, it counts as UTC."""
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
