"""Lists of recordings, newest first, and what an entry of a list says: where to look, and nothing else.

An entry's keys sort newer days and moments first, because tables sort by key in ascending order only.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.domain.keys import key_of
from shared.domain.records import Chunk

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)  # a table's times begin here
_MICROSECOND = timedelta(microseconds=1)
_LAST_MOMENT = 10**18 - 1  # microseconds after the epoch: past every year that a table can hold
_LAST_DAY = 99_999_999
_ROW = re.compile(r"(\d{18})-([0-9a-f]{32})(?:-([0-9a-f]{32}))?", re.ASCII)


class ListName(StrEnum):
    """The lists that there are."""

    DAY = "day"  # every recording
    OPEN = "open"  # what is on the worklist: chunks, and recordings whose files are awaited
    TROUBLE = "trouble"  # chunks that failed or are lost, and recordings whose files are missed
    CALL = "call"
    SERVER_CALL = "serverCall"
    CALL_CONNECTION = "callConnection"
    CORRELATION = "correlation"
    PARTICIPANT = "participant"  # chunks; in a table of its own

    def of(self, value: str) -> str:
        """The list of the recordings with this value, which the name has as a digest."""
        return f"{self}-{key_of(value)}"


@dataclass(frozen=True, kw_only=True)
class ListEntry:
    """A recording, or one of its chunks, in a list."""

    at: datetime
    recording_key: str
    chunk_key: str | None = None

    @classmethod
    def of_chunk(cls, chunk: Chunk) -> Self:
        return cls(at=chunk.listed_at or chunk.started_at, recording_key=chunk.recording_key, chunk_key=chunk.chunk_key)

    @classmethod
    def read(cls, row: str) -> Self:
        """An entry from its row key. Raises ValueError for anything else."""
        found = _ROW.fullmatch(row)
        if found is None:
            raise ValueError("not an entry of a list")
        try:
            at = _EPOCH + (_LAST_MOMENT - int(found[1])) * _MICROSECOND
        except OverflowError:
            raise ValueError("not an entry of a list") from None
        return cls(at=at, recording_key=found[2], chunk_key=found[3])

    def row(self) -> str:
        moment = _LAST_MOMENT - (self.at - _EPOCH) // _MICROSECOND
        return "-".join(filter(None, (f"{moment:018d}", self.recording_key, self.chunk_key)))

    def partition(self, name: str) -> str:
        return f"{name}-{day_key(self.at.astimezone(UTC).date())}"


def day_key(day: date) -> str:
    """Sorts later days first."""
    return f"{_LAST_DAY - (day.year * 10_000 + day.month * 100 + day.day):08d}"
