"""Rows of the worklist: which item the sweep must check, and when. The prefix of a row's key is its kind.

Chunks come first, by deadline; an older version's rows of chunks don't name their recording and are read all the same.
A row that this version can't read is an item with a flaw: it is counted and reported, and never guessed at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.domain.records import Chunk
from shared.gateways.tables.lists import Place

DEADLINE = "%Y%m%dT%H%M%S.%f"
_END = "~"  # sorts after every row of a kind
_NEVER = datetime.min.replace(tzinfo=UTC)


class Kind(StrEnum):
    """Prefixes of row keys, in the order in which the rows of a shard sort."""

    CHUNK = ""  # an open chunk: its deadline, which begins with a digit
    CALL = "call-"  # a call whose automatic recording hasn't begun
    FILES = "files-"  # a recording with announced files that still lacks others
    NEWS = "news-"  # an archived or ended chunk with undelivered announcements
    RECORDING = "recording-"  # a recording without announced files

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


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """A row, to be looked at once it is due.

    `queued_at` and `requeues` tell of a chunk when and how often the sweep queued it, `version` that it was read from
    the table, and `flaw` why it can't be worked.
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
        """Rows of chunks sort by deadline. One document may be filed under two recordings, so both are named."""
        return cls(
            shard=chunk.chunk_key[0],
            row=_chunk_row(chunk),
            recording_key=chunk.recording_key,
            chunk_key=chunk.chunk_key,
            due_at=due_at,
            listed_at=Place.of_chunk(chunk).at,
            queued_at=queued_at,
            requeues=requeues,
        )

    @classmethod
    def of_news(cls, chunk: Chunk, due_at: datetime) -> "WorkItem":
        """A chunk that only waits to be announced is on no list of what is open."""
        return cls(
            shard=chunk.chunk_key[0],
            row=Kind.NEWS + _chunk_row(chunk),
            recording_key=chunk.recording_key,
            chunk_key=chunk.chunk_key,
            due_at=due_at,
        )

    @classmethod
    def of_recording(
        cls, recording_key: str, recording_id: str, due_at: datetime, listed_at: datetime | None = None
    ) -> "WorkItem":
        """A recording whose first event is awaited."""
        return cls._recording(Kind.RECORDING, recording_key, recording_id, due_at, listed_at)

    @classmethod
    def of_files(
        cls, recording_key: str, recording_id: str, due_at: datetime, listed_at: datetime | None = None
    ) -> "WorkItem":
        """A recording whose files were announced in part. A row of its own: the first event ends the other's watch."""
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
        """A call whose automatic recording hasn't begun, and the start that shall begin it."""
        return cls(shard=call_key[0], row=f"{Kind.CALL}{call_key}-{start_id}", recording_key=call_key, due_at=due_at)

    @property
    def kind(self) -> Kind | None:
        return Kind.of(self.row)

    @property
    def call_key(self) -> str | None:
        return self.recording_key if self.kind is Kind.CALL else None

    @property
    def place(self) -> Place | None:
        """Its place on the list of what is open."""
        if self.listed_at is None:
            return None
        return Place(at=self.listed_at, recording_key=self.recording_key, chunk_key=self.chunk_key)


def read_item(row: Any) -> WorkItem:
    """An item from its row, whatever an older or newer version wrote there."""
    key, found = row["RowKey"], dict(row)
    flaw = _flaw(key, found)
    due_at, listed_at, queued_at = (_typed(found, name, datetime) for name in ("dueAt", "listedAt", "queuedAt"))
    return WorkItem(
        shard=row["PartitionKey"],
        row=key,
        recording_key=_typed(found, "recordingKey", str) or "",
        chunk_key=_typed(found, "chunkKey", str),
        recording_id=_typed(found, "recordingId", str),
        due_at=due_at or _NEVER,
        listed_at=None if flaw else listed_at,
        queued_at=queued_at,
        requeues=_typed(found, "requeues", int) or 0,
        flaw=flaw,
        version=row.metadata["etag"],
    )


def _flaw(key: str, found: Mapping[str, Any]) -> str | None:
    kind = Kind.of(key)
    if kind is None:
        return "is of a kind that this version doesn't know"
    needed: dict[str, type] = {"recordingKey": str, "dueAt": datetime}
    if kind in (Kind.CHUNK, Kind.NEWS):
        needed["chunkKey"] = str
    elif kind in (Kind.FILES, Kind.RECORDING):
        needed["recordingId"] = str
    missing = [name for name, wanted in needed.items() if _typed(found, name, wanted) is None]
    return f"has no usable {' and no usable '.join(missing)}" if missing else None


def _typed[T](found: Mapping[str, Any], name: str, wanted: type[T]) -> T | None:
    value = found.get(name)
    return value if isinstance(value, wanted) else None


def _chunk_row(chunk: Chunk) -> str:
    deadline = chunk.deadline.astimezone(UTC)
    return f"{deadline:{DEADLINE}}-{chunk.chunk_key}-{chunk.recording_key}"
