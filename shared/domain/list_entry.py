"""Lists of recordings, newest first. A list entry contains only the key of its recording or chunk.

An entry's key sorts newer moments first, because tables sort by key in ascending order only.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.domain.keys import key_of
from shared.domain.records import Chunk

OLDEST = datetime(1601, 1, 1, tzinfo=UTC)  # the earliest time that a table can store
AFTER_CHUNKS = "~"  # sorts after every chunk of a recording
_MICROSECOND = timedelta(microseconds=1)
_LAST_MOMENT = 10**18 - 1  # microseconds after the epoch: later than any time that a table can store
_ROW = re.compile(r"(\d{18})-([0-9a-f]{32})(?:-([0-9a-f]{32}))?", re.ASCII)


class ListName(StrEnum):
    """The kinds of lists."""

    DAY = "day"  # every recording
    TROUBLE = "trouble"  # chunks that failed, are lost or were removed, and recordings whose files are overdue
    CALL = "call"
    SERVER_CALL = "serverCall"
    CALL_CONNECTION = "callConnection"
    CORRELATION = "correlation"
    UNRECORDED = "unrecorded"  # calls that AUTO_RECORD could not record, by the call's key
    LABEL = "label"  # by name and value, as in case=4711
    PARTICIPANT = "participant"  # chunks; in a table of its own

    def of(self, value: str) -> str:
        """The name of the list of recordings with this value. It contains a digest of the value."""
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
            at = OLDEST + (_LAST_MOMENT - int(found[1])) * _MICROSECOND
        except OverflowError:
            raise ValueError("not an entry of a list") from None
        return cls(at=at, recording_key=found[2], chunk_key=found[3])

    def row(self) -> str:
        """Its key within a list."""
        return "-".join(filter(None, (moment_key(self.at), self.recording_key, self.chunk_key)))

    def row_in(self, name: str) -> str:
        """Its row key in the table, which has all lists."""
        return f"{name}-{self.row()}"


def moment_key(at: datetime) -> str:
    """Sorts later moments first."""
    return f"{_LAST_MOMENT - max(at - OLDEST, timedelta()) // _MICROSECOND:018d}"
