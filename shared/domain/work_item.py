"""Items of the worklist: what the sweep must check, and when. The prefix of a row's key is its kind.

Chunks sort first, by deadline. Rows of chunks that an older version wrote don't contain the recording key in the row
key, and are read as well.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from shared.domain.list_entry import OLDEST, ListEntry
from shared.domain.records import Chunk

DEADLINE = "%Y%m%dT%H%M%S.%f"
_END = "~"  # sorts after every row of a kind


class Kind(StrEnum):
    """Prefixes of row keys, in the order in which the rows of a shard sort."""

    CHUNK = ""  # an open chunk: its deadline, which begins with a digit
    CALL = "call-"  # a call whose automatic recording hasn't begun
    FILES = "files-"  # a recording with reported files that still lacks others
    ANNOUNCEMENTS = "news-"  # an archived or ended chunk with undelivered announcements
    RECORDING = "recording-"  # a recording without reported files

    @property
    def start(self) -> str:
        return str(self)

    @property
    def end(self) -> str:
        """Sorts after every row of this kind, and before those of the next."""
        return f"{self}{_END}" if self else "A"

    @classmethod
    def of(cls, row: str) -> "Kind | None":
        """None for a kind that this version doesn't know."""
        if row < cls.CHUNK.end:
            return cls.CHUNK
        return next((kind for kind in cls if kind and row.startswith(kind)), None)


_LISTED = frozenset({Kind.CHUNK, Kind.FILES, Kind.RECORDING})  # on the list of open recordings


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """A row, to be checked once it is due.

    `queued_at` and `requeues`: when and how often the sweep queued the chunk. `version`: the row's ETag if the item was
    read from the table, else None. `flaw`: why the row can't be processed, or None if it can.
    """

    shard: str
    row: str
    recording_key: str
    chunk_key: str | None = None
    recording_id: str | None = None
    due_at: datetime
    listed_at: datetime | None = None
    queued_at: datetime | None = None
    requeues: int = 0
    flaw: str | None = None
    version: str | None = field(default=None, compare=False)

    @classmethod
    def of_chunk(
        cls, chunk: Chunk, due_at: datetime, *, queued_at: datetime | None = None, requeues: int = 0
    ) -> "WorkItem":
        """Rows of chunks sort by deadline. Their keys contain the chunk and the recording: two may share a document."""
        return cls(
            shard=chunk.chunk_key[0],
            row=_chunk_row(chunk),
            recording_key=chunk.recording_key,
            chunk_key=chunk.chunk_key,
            due_at=due_at,
            listed_at=ListEntry.of_chunk(chunk).at,
            queued_at=queued_at,
            requeues=requeues,
        )

    @classmethod
    def of_announcements(cls, chunk: Chunk, due_at: datetime) -> "WorkItem":
        """A chunk that is only waiting for its announcement isn't on the list of open recordings."""
        return cls(
            shard=chunk.chunk_key[0],
            row=Kind.ANNOUNCEMENTS + _chunk_row(chunk),
            recording_key=chunk.recording_key,
            chunk_key=chunk.chunk_key,
            due_at=due_at,
        )

    @classmethod
    def of_recording(
        cls, recording_key: str, recording_id: str, due_at: datetime, listed_at: datetime | None = None
    ) -> "WorkItem":
        """A recording that had no event yet."""
        return cls._recording(Kind.RECORDING, recording_key, recording_id, due_at, listed_at)

    @classmethod
    def of_files(
        cls, recording_key: str, recording_id: str, due_at: datetime, listed_at: datetime | None = None
    ) -> "WorkItem":
        """A recording of which events named only some files. The first event removes the row of `of_recording`."""
        return cls._recording(Kind.FILES, recording_key, recording_id, due_at, listed_at)

    @classmethod
    def _recording(
        cls, kind: Kind, recording_key: str, recording_id: str, due_at: datetime, listed_at: datetime | None
    ) -> "WorkItem":
        return cls(
            shard=recording_key[0],
            row=kind + recording_key,
            recording_key=recording_key,
            recording_id=recording_id,
            due_at=due_at,
            listed_at=listed_at,
        )

    @classmethod
    def of_call(cls, call_key: str, start_id: str, due_at: datetime) -> "WorkItem":
        """A call whose automatic recording hasn't begun yet, and the id of the start that will begin it."""
        return cls(shard=call_key[0], row=f"{Kind.CALL}{call_key}-{start_id}", recording_key=call_key, due_at=due_at)

    @property
    def kind(self) -> Kind | None:
        return Kind.of(self.row)

    @property
    def call_key(self) -> str | None:
        return self.recording_key if self.kind is Kind.CALL else None

    @property
    def entry(self) -> ListEntry | None:
        """Its entry in the list of open recordings. None if it isn't in that list.

        Rows of an older version have no `listed_at`: they come last.
        """
        if self.flaw is not None or self.kind not in _LISTED:
            return None
        return ListEntry(at=self.listed_at or OLDEST, recording_key=self.recording_key, chunk_key=self.chunk_key)


def _chunk_row(chunk: Chunk) -> str:
    deadline = chunk.deadline.astimezone(UTC)
    return f"{deadline:{DEADLINE}}-{chunk.chunk_key}-{chunk.recording_key}"
