"""Which storage operations a chunk costs, read off Azurite's own log: the app's, and the queue trigger's."""

import re
from collections import Counter
from pathlib import Path

_LINE = re.compile(r'"(?P<method>[A-Z]+) /devstoreaccount1/(?P<path>[^ ?"]*)(?P<query>\?[^ "]*)? HTTP')
_BLOCKS = {"comp=blocklist": "block list", "comp=block": "block", "comp=metadata": "label"}


def operations(log: Path, *, after: int) -> Counter[str]:
    """How often each kind was asked for in lines after the first `after` ones. Looks at the worklist aren't counted."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines()[after:]:
        request = _LINE.search(line)
        if request is not None:
            found[_kind(request["method"], request["path"], request["query"] or "")] += 1
    del found["GET worklist"]  # ours, to see whether all is done, and the sweep's
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
