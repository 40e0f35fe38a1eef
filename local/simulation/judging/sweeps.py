"""Each row that is due makes progress: a sweep removes it or changes it. Read from raw storage.

A few sweeps may leave a row, for example because the topic is paused or another process changed the chunk meanwhile.
"""

from collections import Counter
from typing import Any

from local.memory.storage.entities import Row

_MOST = 15  # sweeps in a row that may leave a row as it is

type Rows = dict[Any, Row]


class Sweeps:
    """Counts the sweeps that left a due row as it was."""

    def __init__(self) -> None:
        self._left: Counter[Any] = Counter()

    def ended(self, due: Rows, rows: Rows) -> str | None:
        """What is wrong after a complete sweep. `due`: the rows that were due before it, `rows`: all rows now."""
        left = [key for key, row in due.items() if rows.get(key) is row]
        self._left = Counter({key: self._left[key] + 1 for key in left})
        stuck = [key for key, number in self._left.items() if number > _MOST]
        return f"{_MOST} sweeps left the due row {stuck[0]} of the worklist as it was" if stuck else None
