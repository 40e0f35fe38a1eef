"""Makes the tables SDK retry a write whose response was lost.

By default SDK 12 repeats inserts and merges (POST, PATCH) only after an answer of 500, 503 or 504, and not when the
connection broke. With REPEATED, a retry may find the row that its own first try wrote. The caller must recognize that
row, by a token in it, or write the same row each time.
"""

from dataclasses import dataclass
from typing import Any

REPEATED: dict[str, Any] = {
    "retry_on_methods": frozenset({"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE", "POST", "PATCH"})
}


@dataclass(frozen=True, kw_only=True)
class Begun[Row]:
    """A row that is inserted once, as it is now. `is_new`: this call inserted it, whichever of its tries it was."""

    row: Row
    is_new: bool
