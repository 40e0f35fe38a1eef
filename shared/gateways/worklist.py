"""The worklist: a row for every open chunk, running recording and call to record, inside a fixed number of shards.

It is an index over the catalogue and nothing more: a row too many costs a look, and a row is taken away only after what
it points to is safe. A row says when to look at it, so what goes its way unhindered is gone before it is ever read, and
the cost of finding what is late follows what is open, not what was ever archived. The calendar's list of what is open
has the same rows in the order of lists: entered before a row is added here and struck before it is removed, so that
whatever a crash leaves on that list, the row that is left here takes off in the end.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.gateways.calendar import Calendar, Heading, Place
from shared.gateways.faults import storage_faults
from shared.records import Chunk

_DEADLINE = "%Y%m%dT%H%M%S.%f"
_LETTERS = "A"  # rows of chunks begin with the year of a deadline, all others with a word
_END = "~"  # sorts after every row
_CALL = "call-"
_SHARDS = "0123456789abcdef"  # the first digit of a key: sixteen partitions share the load
_GLANCE = 250  # rows of each shard
_NEAREST = 20  # the same: of what is safe, rows may stay until it is announced or its source deleted


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """A row, to be looked at once it is due: a chunk, a recording whose files are awaited, or a call to record."""

    shard: str
    row: str
    recording_key: str
    chunk_key: str | None = None
    recording_id: str | None = None
    due_at: datetime
    listed_at: datetime | None = None

    @classmethod
    def of_chunk(cls, chunk: Chunk, due_at: datetime) -> "WorkItem":
        """Rows of chunks sort by deadline."""
        deadline = chunk.deadline.astimezone(UTC)
        return cls(
            shard=chunk.chunk_key[0],
            row=f"{deadline:{_DEADLINE}}-{chunk.chunk_key}",
            recording_key=chunk.recording_key,
            chunk_key=chunk.chunk_key,
            due_at=due_at,
            listed_at=Place.of_chunk(chunk).at,
        )

    @classmethod
    def of_recording(
        cls, recording_key: str, recording_id: str, due_at: datetime, listed_at: datetime | None = None
    ) -> "WorkItem":
        return cls(
            shard=recording_key[0],
            row=f"recording-{recording_key}",
            recording_key=recording_key,
            recording_id=recording_id,
            due_at=due_at,
            listed_at=listed_at,
        )

    @classmethod
    def of_call(cls, call_key: str, start_id: str, due_at: datetime) -> "WorkItem":
        """A call whose automatic recording hasn't begun, and the start that shall begin it."""
        return cls(shard=call_key[0], row=f"{_CALL}{call_key}-{start_id}", recording_key=call_key, due_at=due_at)

    @property
    def call_key(self) -> str | None:
        return self.recording_key if self.row.startswith(_CALL) else None

    @property
    def place(self) -> Place | None:
        """Its place on the list of what is open."""
        if self.listed_at is None:
            return None
        return Place(at=self.listed_at, recording_key=self.recording_key, chunk_key=self.chunk_key)


class Worklist:
    """What isn't safe yet, or isn't here yet."""

    def __init__(self, tables: TableServiceClient, table_name: str, calendar: Calendar) -> None:
        self._table, self._calendar = tables.get_table_client(table_name), calendar

    async def add(self, item: WorkItem) -> None:
        """Adds a row, or says anew when it is due."""
        if item.place is not None:
            await self._calendar.enter(item.place, Heading.OPEN)
        optional = {"chunkKey": item.chunk_key, "recordingId": item.recording_id, "listedAt": item.listed_at}
        entity: dict[str, Any] = {
            "PartitionKey": item.shard,
            "RowKey": item.row,
            "recordingKey": item.recording_key,
            "dueAt": item.due_at,
            **{name: value for name, value in optional.items() if value is not None},
        }
        with storage_faults("adding to the worklist"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def remove(self, item: WorkItem) -> None:
        if item.place is not None:
            await self._calendar.strike(item.place, Heading.OPEN)
        with storage_faults("taking off the worklist"):
            try:
                await self._table.delete_entity(item.shard, item.row)
            except ResourceNotFoundError:
                return

    async def due(self, now: datetime) -> AsyncIterator[WorkItem]:
        """Every row that is due, those of one shard by deadline."""
        with storage_faults("reading the worklist"):
            for shard in _SHARDS:
                rows = self._table.query_entities(
                    "PartitionKey eq @shard and dueAt le @now", parameters={"shard": shard, "now": now}
                )
                async for row in rows:
                    yield _item(row)

    async def nearest(self) -> tuple[list[WorkItem], bool]:
        """Chunks, nearest deadline first, as far as none can be missing between them, and whether that is all of them.

        One operation a shard, however much there is, all asked for at once.
        """
        with storage_faults("reading the worklist"):
            found = await asyncio.gather(*(self._head(shard, _NEAREST, below=_LETTERS) for shard in _SHARDS))
        ends = [some[-1].row for some, complete in found if not complete]
        items = [item for some, _ in found for item in some if not ends or item.row <= min(ends)]
        return sorted(items, key=lambda item: item.row), not ends

    async def glance(self) -> tuple[list[WorkItem], bool]:
        """What is open, nearest deadline first and recordings last, and whether that is all of it.

        One operation a shard, however much there is: of each shard its first rows.
        """
        with storage_faults("reading the worklist"):
            found = await asyncio.gather(*(self._head(shard, _GLANCE, below=_END) for shard in _SHARDS))
        items = [item for some, _ in found for item in some]
        return sorted(items, key=lambda item: item.row), all(complete for _, complete in found)

    async def _head(self, shard: str, most: int, *, below: str) -> tuple[list[WorkItem], bool]:
        pages: Any = self._table.query_entities(
            "PartitionKey eq @shard and RowKey lt @below",
            parameters={"shard": shard, "below": below},
            results_per_page=most,
        ).by_page()
        async for page in pages:
            items = [_item(row) async for row in page]
            if items:  # the service may answer a page that is empty, and go on
                return items, pages.continuation_token is None
        return [], True

    async def deadlines(self) -> AsyncIterator[datetime]:
        """The deadline of every chunk that is on the worklist, due or not, as its row's name tells it."""
        with storage_faults("counting the worklist"):
            for shard in _SHARDS:
                rows = self._table.query_entities(
                    "PartitionKey eq @shard and RowKey lt @letters",
                    parameters={"shard": shard, "letters": _LETTERS},
                    select=["RowKey"],
                )
                async for row in rows:
                    yield datetime.strptime(row["RowKey"].rpartition("-")[0], _DEADLINE).replace(tzinfo=UTC)


def _item(row: Any) -> WorkItem:
    return WorkItem(
        shard=row["PartitionKey"],
        row=row["RowKey"],
        recording_key=row["recordingKey"],
        chunk_key=row.get("chunkKey"),
        recording_id=row.get("recordingId"),
        due_at=row["dueAt"],
        listed_at=row.get("listedAt"),
    )
