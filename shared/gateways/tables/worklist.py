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
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.work_item import DEADLINE, Kind, WorkItem
from shared.gateways.faults import storage_faults
from shared.gateways.tables.retries import REPEATED
from shared.gateways.tables.work_items import read_item

_SHARDS = "0123456789abcdef"  # the first digit of a key: sixteen partitions share the load
_PAGE = 100  # rows of a shard that are held while due ones are worked
_GLANCE = 250  # rows of each shard
_NEAREST = 20  # rows per shard in `nearest`; archived chunks stay among them until their source is deleted


class Worklist:
    """What isn't safe yet, or isn't here yet."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

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
            "PartitionKey": item.shard,
            "RowKey": item.row,
            "recordingKey": item.recording_key,
            "dueAt": item.due_at,
            **{name: value for name, value in optional.items() if value is not None},
        }
        with storage_faults("adding to the worklist"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def remove(self, item: WorkItem) -> bool:
        """Removes a row that was read, unless it was changed since; one that wasn't read, whatever its version.

        Returns whether the row is gone.
        """
        with storage_faults("removing from the worklist"):
            try:
                await self._table.delete_entity(item.shard, item.row, **_condition(item))
            except ResourceNotFoundError:
                return True
            except ResourceModifiedError:
                return False
        return True

    async def postpone(self, item: WorkItem, due_at: datetime) -> None:
        """Changes when a row that was read is due and nothing else, unless it was changed since."""
        entity = {"PartitionKey": item.shard, "RowKey": item.row, "dueAt": due_at}
        with storage_faults("postponing on the worklist"):
            try:
                await self._table.update_entity(entity, mode=UpdateMode.MERGE, **_condition(item), **REPEATED)
            except (ResourceNotFoundError, ResourceModifiedError):
                return

    async def due(self, now: datetime, *, after: str = "") -> AsyncGenerator[WorkItem]:
        """Every row that is due and sorts after `after`: chunks by deadline, the oldest first, then the other kinds.

        A page of each shard is held, however much is due.
        """
        with storage_faults("reading the worklist"):
            shards = [self._due_in(shard, now, after) for shard in _SHARDS]
            heads = await asyncio.gather(*(anext(items, None) for items in shards))
            waiting = [(item.row, number, item) for number, item in enumerate(heads) if item is not None]
            heapq.heapify(waiting)
            while waiting:
                _, number, item = heapq.heappop(waiting)
                following = await anext(shards[number], None)
                if following is not None:
                    heapq.heappush(waiting, (following.row, number, following))
                yield item

    async def _due_in(self, shard: str, now: datetime, after: str) -> AsyncGenerator[WorkItem]:
        found = "PartitionKey eq @shard and dueAt le @now" + (" and RowKey gt @after" if after else "")
        rows = self._table.query_entities(
            found, parameters={"shard": shard, "after": after, "now": now}, results_per_page=_PAGE
        )
        async for row in rows:
            yield read_item(row)

    async def nearest(self) -> tuple[list[WorkItem], bool]:
        """Chunks, nearest deadline first, as far as none can be missing between them, and whether that is all of them.

        One operation a shard, however much there is, all asked for at once.
        """
        with storage_faults("reading the worklist"):
            heads = await asyncio.gather(
                *(self._head(shard, _NEAREST, "RowKey lt @row", Kind.CHUNK.end) for shard in _SHARDS)
            )
        ends = [some[-1].row for some, complete in heads if not complete]
        items = [item for some, _ in heads for item in some if not ends or item.row <= min(ends)]
        return sorted(items, key=lambda item: item.row), not ends

    async def glance(self) -> tuple[list[WorkItem], bool]:
        """What is open, nearest deadline first and recordings last, and whether that is all of it.

        One operation a shard, however much there is: of each shard its first rows. What is safe, and only waits to be
        announced, is left out; where so much of it waits that it hides what sorts after it, a second operation.
        """
        with storage_faults("reading the worklist"):
            heads = await asyncio.gather(*map(self._glance, _SHARDS))
        items = [item for some, _ in heads for item in some]
        return sorted(items, key=lambda item: item.row), all(complete for _, complete in heads)

    async def _glance(self, shard: str) -> tuple[list[WorkItem], bool]:
        items, complete = await self._head(shard, _GLANCE, "RowKey gt @row", "")
        if not complete and items[-1].kind is Kind.NEWS:
            more, complete = await self._head(shard, _GLANCE, "RowKey gt @row", Kind.NEWS.end)
            items += more
        return [item for item in items if item.kind is not Kind.NEWS], complete

    async def _head(self, shard: str, most: int, found: str, row: str) -> tuple[list[WorkItem], bool]:
        pages: Any = self._table.query_entities(
            f"PartitionKey eq @shard and {found}", parameters={"shard": shard, "row": row}, results_per_page=most
        ).by_page()
        async for page in pages:
            items = [read_item(row) async for row in page]
            if items:  # the service may answer a page that is empty, and go on
                return items, pages.continuation_token is None
        return [], True

    async def deadlines(self) -> AsyncIterator[datetime]:
        """The deadline of every chunk that is on the worklist, due or not, as its row's name has it."""
        with storage_faults("counting the worklist"):
            for shard in _SHARDS:
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


def _condition(item: WorkItem) -> dict[str, Any]:
    if item.version is None:
        return {}
    return {"etag": item.version, "match_condition": MatchConditions.IfNotModified}
