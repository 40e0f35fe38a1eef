"""The OData filters that the product sends to Table Storage: comparisons, joined by `and`."""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

_COMPARISON = re.compile(r"(\w+) (eq|ne|ge|le|gt|lt) (?:(datetime)?'((?:[^']|'')*)'|(-?\d+)L?|(true|false))")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "le": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
}
Test = Callable[[Mapping[str, Any]], bool]


def read_filter(text: str) -> Test:
    """A test of a stored entity. Raises ValueError for anything but comparisons joined by `and`."""
    tests: list[Test] = []
    position = 0
    while True:
        found = _COMPARISON.match(text, position)
        if found is None:
            raise ValueError(f"not implemented in memory: the filter {text}")
        tests.append(_comparison(found))
        position = found.end()
        if position == len(text):
            return lambda entity: all(test(entity) for test in tests)
        if not text.startswith(" and ", position):
            raise ValueError(f"not implemented in memory: the filter {text}")
        position += len(" and ")


def _comparison(found: re.Match[str]) -> Test:
    """An entity without the property, or with one of another type, doesn't pass."""
    name, compared, moment, quoted, number, flag = found.groups()
    wanted: Any
    if quoted is not None:
        text = quoted.replace("''", "'")
        wanted = datetime.fromisoformat(text) if moment else text
    elif number is not None:
        wanted = int(number)
    else:
        wanted = flag == "true"

    def test(entity: Mapping[str, Any]) -> bool:
        value = _value(entity, name)
        return type(value) is type(wanted) and _OPERATORS[compared](value, wanted)

    return test


def _value(entity: Mapping[str, Any], name: str) -> Any:
    value, kind = entity.get(name), entity.get(f"{name}@odata.type")
    if kind == "Edm.DateTime" or (name == "Timestamp" and value is not None):
        return datetime.fromisoformat(str(value))
    return int(str(value)) if kind == "Edm.Int64" else value
