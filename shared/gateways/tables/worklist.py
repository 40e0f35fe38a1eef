"""The worklist: a row for every open chunk, watched recording, call to record and unsent announcement, in fixed shards.

The worklist is an index over the catalogue. A superfluous row only costs one check, and a row is removed only after its
chunk, recording or call needs no more work. Each row has a due time. Work that makes progress removes its row before
that time, so the sweep reads only late rows, and its cost depends on the number of open items, not on the archive's
size.

A row that was read is removed only if its version is unchanged: another process that changed it still needs it.
"""

import asyncio
import heapq
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.records import Chunk
from shared.domain.work_item import DEADLINE, Kind, WorkItem
from shared.gateways.faults import storage_faults
from shared.gateways.tables.retries import REPEATED
from shared.gateways.tables.work_items import read_item

_PAGE = 100  # rows per shard in memory while due rows are processed
_GLANCE = 250  # rows per shard in `glance`, unless the caller wants another number
_OPEN = 100  # rows per shard in `open_chunks`
_NEAREST = 20  # rows per shard in `nearest`; archived chunks are included until their source is deleted


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first rows of a kind, in order. `is_all`: there are no others."""

    items: list[WorkItem]
    is_all: bool


class Worklist:
    """All work that isn't finished."""

    def __init__(self, tables: TableServiceClient, table_name: str, shards: str) -> None:
        self._table, self._shards = tables.get_table_client(table_name), shards

    async def add(self, item: WorkItem) -> None:
        """Adds a row, or changes when it is due."""
        optional = {
            "chunkKey": item.chunk_key,
            "recordingId": item.recording_id,
            "listedAt": item.listed_at,
            "queuedAt": item.queued_at,
            "requeues": item.requeues or None,
        }
        entity: dict[str, Any] = {
            "PartitionKey": self._shard(item),
            "RowKey": item.row,
            "recordingKey": item.recording_key,
            "dueAt": item.due_at,
            **{name: value for name, value in optional.items() if value is not None},
        }
        with storage_faults("adding to the worklist"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def remove(self, item: WorkItem) -> bool:
        """Removes a row and returns whether it is gone. A row that was read stays if it was changed since then.

        An item that wasn't read removes the row in any version: use this only for final ends, such as a released chunk.
        """
        with storage_faults("removing from the worklist"):
            try:
                await self._table.delete_entity(self._shard(item), item.row, **_condition(item))
            except ResourceNotFoundError:
                return True
            except ResourceModifiedError:
                return False
        return True

    async def finish(self, item: WorkItem, chunk: Chunk, announce_at: datetime | None) -> None:
        """Removes the row of a chunk that needs no more work. Undelivered announcements get a row of their own first.

        `announce_at`: when to try to deliver them again, or None if there are none.
        """
        if announce_at is not None:
            await self.add(WorkItem.of_announcements(chunk, announce_at))
        await self.remove(item)

    async def postpone(self, item: WorkItem, due_at: datetime) -> None:
        """Changes only the due time of a row that was read, unless the row was changed since then."""
        entity = {"PartitionKey": self._shard(item), "RowKey": item.row, "dueAt": due_at}
        with storage_faults("changing a due time on the worklist"):
            try:
                await self._table.update_entity(entity, mode=UpdateMode.MERGE, **_condition(item), **REPEATED)
            except (ResourceNotFoundError, ResourceModifiedError):
                return

    async def due(self, now: datetime, *, after: str = "") -> AsyncGenerator[WorkItem]:
        """Every row that is due and sorts after `after`: chunks by deadline, earliest first, then the other kinds.

        Only one page per shard is in memory, however many rows are due.
        """
        with storage_faults("reading the worklist"):
            shards = [self._due_in(shard, now, after) for shard in self._shards]
            heads = await asyncio.gather(*(anext(items, None) for items in shards))
            waiting = [(item.row, number, item) for number, item in enumerate(heads) if item is not None]
            heapq.heapify(waiting)
            while waiting:
                _, number, item = heapq.heappop(waiting)
                following = await anext(shards[number], None)
                if following is not None:
                    heapq.heappush(waiting, (following.row, number, following))
                yield item

    def _shard(self, item: WorkItem) -> str:
        """The partition of a row: the first digit of its key, unless there are fewer than sixteen."""
        return self._shards[int(item.shard, 16) % len(self._shards)]

    async def _due_in(self, shard: str, now: datetime, after: str) -> AsyncGenerator[WorkItem]:
        found = "PartitionKey eq @shard and dueAt le @now" + (" and RowKey gt @after" if after else "")
        rows = self._table.query_entities(
            found, parameters={"shard": shard, "after": after, "now": now}, results_per_page=_PAGE
        )
        async for row in rows:
            yield read_item(row)

    async def nearest(self) -> Head:
        """The chunks with the nearest deadlines, without a gap.

        Needs one operation per shard, however many rows there are. All shards are read concurrently.
        """
        with storage_faults("reading the worklist"):
            heads = await asyncio.gather(
                *(self._head(shard, _NEAREST, "RowKey lt @row", Kind.CHUNK.end) for shard in self._shards)
            )
        return _without_gap(heads)

    async def open_chunks(self, *, after: str) -> Head:
        """The open chunks whose rows sort after `after`, nearest deadline first, without a gap.

        Needs one operation per shard, however many rows there are. Returns 100 to 1,600 items, unless there are fewer.
        """
        with storage_faults("reading the worklist"):
            found = "RowKey gt @row and RowKey lt @end"
            heads = await asyncio.gather(
                *(self._head(shard, _OPEN, found, after, end=Kind.CHUNK.end) for shard in self._shards)
            )
        return _without_gap(heads)

    async def glance(self, most: int = _GLANCE) -> Head:
        """The first open items of each shard, at most `most` of each, chunks by deadline first.

        Needs one operation per shard, however many rows there are. Safe chunks that are only waiting for their
        announcement are left out. If they fill a shard's page, a second operation reads the rows after them.
        """
        with storage_faults("reading the worklist"):
            heads = await asyncio.gather(*(self._glance(shard, most) for shard in self._shards))
        items = [item for head in heads for item in head.items]
        return Head(items=sorted(items, key=lambda item: item.row), is_all=all(head.is_all for head in heads))

    async def _glance(self, shard: str, most: int) -> Head:
        head = await self._head(shard, most, "RowKey gt @row", "")
        items = [item for item in head.items if item.kind is not Kind.ANNOUNCEMENTS]
        if head.is_all or head.items[-1].kind is not Kind.ANNOUNCEMENTS:
            return Head(items=items, is_all=head.is_all)
        others = await self._head(shard, most, "RowKey gt @row", Kind.ANNOUNCEMENTS.end)
        return Head(items=items + others.items, is_all=others.is_all)

    async def oldest_announcements(self) -> list[WorkItem]:
        """The first row of each shard for a chunk with undelivered announcements. Needs one operation per shard."""
        kind = Kind.ANNOUNCEMENTS
        with storage_faults("reading the worklist"):
            heads = await asyncio.gather(
                *(self._head(shard, 1, "RowKey ge @row", kind.start) for shard in self._shards)
            )
        return [item for head in heads for item in head.items if item.kind is kind and item.flaw is None]

    async def _head(self, shard: str, most: int, found: str, row: str, *, end: str = "") -> Head:
        parameters = {"shard": shard, "row": row} | ({"end": end} if end else {})
        pages: Any = self._table.query_entities(
            f"PartitionKey eq @shard and {found}", parameters=parameters, results_per_page=most
        ).by_page()
        async for page in pages:
            items = [read_item(row) async for row in page]
            if items:  # the service may return an empty page although more rows follow
                return Head(items=items, is_all=pages.continuation_token is None)
        return Head(items=[], is_all=True)

    async def deadlines(self) -> AsyncIterator[datetime]:
        """The deadline of every chunk on the worklist, due or not, taken from the row key."""
        with storage_faults("counting the worklist"):
            for shard in self._shards:
                rows = self._table.query_entities(
                    "PartitionKey eq @shard and RowKey lt @end",
                    parameters={"shard": shard, "end": Kind.CHUNK.end},
                    select=["RowKey"],
                )
                async for row in rows:
                    try:
                        yield datetime.strptime(row["RowKey"].partition("-")[0], DEADLINE).replace(tzinfo=UTC)
                    except ValueError:
                        continue  # the sweep reports a row that can't be read


def _without_gap(heads: list[Head]) -> Head:
    """The items of all shards, in order, up to the first row after which a shard may have more."""
    ends = [head.items[-1].row for head in heads if not head.is_all]
    items = [item for head in heads for item in head.items if not ends or item.row <= min(ends)]
    return Head(items=sorted(items, key=lambda item: item.row), is_all=not ends)


def _condition(item: WorkItem) -> dict[str, Any]:
    if item.version is None:
        return {}
    return {"etag": item.version, "match_condition": MatchConditions.IfNotModified}
