"""Reads rows of the worklist, whatever an older or newer version wrote there.

A row that this version can't read is an item with a flaw: it is counted and reported, and never guessed at.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.domain.work_item import Kind, WorkItem

_NEVER = datetime.min.replace(tzinfo=UTC)


def read_item(row: Any) -> WorkItem:
    """An item from its row."""
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
