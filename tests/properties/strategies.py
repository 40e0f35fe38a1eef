"""Strategies for input: any JSON, any text, and valid documents with changes.

A changed document reaches more code than random data: most of its fields are valid, so only the changed one is refused.
"""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

type Path = tuple[str | int, ...]

# Values that have broken programs like this one: ends of ranges, letters whose lower case is longer, invalid text.
_AWKWARD_TEXT = [
    "",
    " ",
    "\x00",
    "\r\n",
    "\u0130",
    "\u2028",
    "\U0001f3a7",
    "\ud800",
    "..",
    "../../x",
    "%2e%2e%2f",
    "a/b\\c",
    "'; drop",
    "' or PartitionKey ne '",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "2026-11-21",
    "2026-11-21T09:07:11",
    "https://",
    "https://storage.asm.skype.com@example.net/",
    "http://storage.asm.skype.com/v1/objects/x",
    "file:///etc/passwd",
    "NaN",
    "1e400",
    "x" * 300,
    "\u00e4" * 5000,
    "x" * 20000,
]
_AWKWARD_NUMBERS = [0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, float("inf")]

texts = st.sampled_from(_AWKWARD_TEXT) | st.text(st.characters(), max_size=40)
encodable_texts = texts.filter(lambda text: text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))
numbers = st.sampled_from(_AWKWARD_NUMBERS) | st.integers() | st.floats(allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(texts, json_values, max_size=6)


def paths(document: Any, here: Path = ()) -> Iterator[Path]:
    """The path to every value in a document."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, inner in items:
        yield (*here, key)
        yield from paths(inner, (*here, key))


@st.composite
def mutated(draw: st.DrawFn, document: Any, *, changes: int = 2) -> Any:
    """The document with one or more values replaced, renamed, duplicated or removed."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, changes))):
        places = list(paths(changed))
        if not places:
            break
        *above, last = places[draw(st.integers(0, len(places) - 1))]
        holder = changed
        for key in above:
            holder = holder[key]
        _change(draw, holder, last)
    return changed


def _change(draw: st.DrawFn, holder: Any, key: Any) -> None:
    match draw(st.sampled_from(["value", "value", "value", "gone", "twice", "name"])):
        case "value":
            holder[key] = draw(json_values)
        case "gone":
            del holder[key]
        case "twice" if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case "name" | "twice" if isinstance(holder, dict):
            holder[draw(st.sampled_from([key.upper(), key.title()]) | texts)] = holder.pop(key)
