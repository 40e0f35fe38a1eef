"""Counts the storage operations of a chunk in Azurite's log: those of the app and of the queue trigger."""

import re
from collections import Counter
from pathlib import Path

_LINE = re.compile(r'"(?P<method>[A-Z]+) /devstoreaccount1/(?P<path>[^ ?"]*)(?P<query>\?[^ "]*)? HTTP')
_BLOCKS = {"comp=blocklist": "block list", "comp=block": "block", "comp=metadata": "label"}


def operations(log: Path, *, after: int) -> Counter[str]:
    """The number of operations of each kind after the first `after` lines. Queries of the worklist aren't counted."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines()[after:]:
        request = _LINE.search(line)
        if request is not None:
            found[_kind(request["method"], request["path"], request["query"] or "")] += 1
    del found["GET worklist"]  # the bench's polling, and the sweep
    return found


def lines(log: Path) -> int:
    return len(log.read_text(errors="replace").splitlines())


def _kind(method: str, path: str, query: str) -> str:
    if "/messages" in path:
        return f"{method} message"
    if path.startswith("$batch"):
        return "POST transaction"
    table = re.match(r"[A-Za-z0-9]+(?=\(|$)", path)
    if table is not None:
        return f"{method} {table.group()}"
    what = next((name for mark, name in _BLOCKS.items() if mark in query), "blob")
    return f"{method} {what}"
