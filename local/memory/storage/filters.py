"""OData filters as the product sends them to Table Storage: comparisons, joined by `and`, with parameters."""

import functools
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.memory.storage.conversions import LARGE, MOMENT, TYPE

_COMPARISON = re.compile(r"(\w+) (eq|ne|ge|le|gt|lt) (?:@(\w+)|(datetime)?'((?:[^']|'')*)'|(-?\d+)L?|(true|false))")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "le": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
}
_KEPT = 5000  # times that need not be read again

type Passes = Callable[[Mapping[str, Any], str], bool]  # whether an entity, with the time of its last change, passes
type _Value = Callable[[Mapping[str, Any]], Any]  # of a comparison, given the parameters


def read_filter(text: str, parameters: Mapping[str, Any] | None = None) -> Passes:
    """A test of stored entities. Raises ValueError for anything but comparisons joined by `and`."""
    comparisons = [(name, compares, value(parameters or {})) for name, compares, value in _comparisons(text)]

    def passes(entity: Mapping[str, Any], timestamp: str) -> bool:
        """An entity without the property, or with one of another type, doesn't pass."""
        for name, compares, wanted in comparisons:
            value = _moment(timestamp) if name == "Timestamp" else _stored(entity, name)
            if type(value) is not type(wanted) or not compares(value, wanted):
                return False
        return True

    return passes


@functools.cache
def _comparisons(text: str) -> list[tuple[str, Callable[[Any, Any], bool], _Value]]:
    found = []
    position = 0
    while True:
        match = _COMPARISON.match(text, position)
        if match is None:
            raise ValueError(f"not implemented in memory: the filter {text}")
        found.append((match[1], _OPERATORS[match[2]], _wanted(match)))
        position = match.end()
        if position == len(text):
            return found
        if not text.startswith(" and ", position):
            raise ValueError(f"not implemented in memory: the filter {text}")
        position += len(" and ")


def _wanted(match: re.Match[str]) -> _Value:
    _, _, parameter, moment, quoted, number, flag = match.groups()
    if parameter is not None:
        return lambda parameters: _given(parameters[parameter])
    wanted: Any
    if quoted is not None:
        text = quoted.replace("''", "'")
        wanted = datetime.fromisoformat(text) if moment else text
    else:
        wanted = int(number) if number is not None else flag == "true"
    return lambda _: wanted


def _given(value: Any) -> Any:
    """A parameter's value after the SDK has written it into the filter and the service has read it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return datetime.combine(moment.date(), moment.timetz())  # also of the SDK's subclass of datetime
    if value in (True, False):
        return bool(value)  # the SDK writes 1 and 0 so, too
    if isinstance(value, int):
        return value
    raise ValueError(f"not implemented in memory: {type(value)} in a filter")


def _stored(entity: Mapping[str, Any], name: str) -> Any:
    value, kind = entity.get(name), entity.get(name + TYPE)
    if kind == MOMENT:
        return _moment(value)
    return int(str(value)) if kind == LARGE else value


@functools.lru_cache(_KEPT)
def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
