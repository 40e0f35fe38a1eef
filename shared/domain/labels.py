"""Labels of a recording: up to ten names with values that a caller chooses, such as case=4711.

Labels are stored as one text, a line for each, in the catalogue and in the metadata of each archived blob, so that a
rebuild restores them. Names contain no `=` and values no control characters, so the text has one meaning. Blob Storage
accepts 8 KiB of metadata a blob; `MOST_BYTES` keeps the labels' part small.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

MOST = 10
MOST_BYTES = 2048  # of all labels together, percent-encoded as in the blob's metadata
LONGEST_VALUE = 256  # characters
NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_.-]{0,31}"
_NAME = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def text_of(labels: Mapping[str, str]) -> str | None:
    """The labels as they are stored; None if there are none."""
    return "\n".join(f"{name}={value}" for name, value in labels.items()) or None


def labels_of(text: str | None) -> dict[str, str]:
    """The labels in a stored text. Anything else is left out: blob metadata can be changed by others."""
    pairs = (line.partition("=") for line in (text or "").split("\n")[:MOST])
    return {name: value for name, _, value in pairs if is_name(name) and 0 < len(value) <= LONGEST_VALUE}


def size_of(labels: Mapping[str, str]) -> int:
    """Bytes of the labels in a blob's metadata."""
    return len(quote(text_of(labels) or ""))
