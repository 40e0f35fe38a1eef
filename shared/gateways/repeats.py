"""Has the tables SDK repeat a write whose answer was lost.

By default SDK 12 repeats inserts and merges (POST, PATCH) only after an answer of 500, 503 or 504, and not when the
connection broke. A write that goes with REPEATED may meet its own first try, so its caller must recognize that: by a
token of the row's own, or because the same write twice is the same row.
"""

from typing import Any

REPEATED: dict[str, Any] = {
    "retry_on_methods": frozenset({"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE", "POST", "PATCH"})
}
