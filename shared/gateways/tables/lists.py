"""Tables of lists. An entry has only the key of a recording or chunk; its values are in the catalogue.

Partition = list and day, both sorted newest first. All current writes of a list go to the partition of one day. With
100 million recordings a year, that is 3 writes a second; a partition allows 2,000. shared.bookkeeping decides which
list an entry belongs to, and when it is removed.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date
from itertools import batched
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.list_entry import AFTER_CHUNKS, ListEntry, day_key
from shared.gateways.faults import is_absent, storage_faults

_AT_ONCE = 32  # entries added concurrently


class Lists:
    """A table of lists."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def add(self, entry: ListEntry, *names: str) -> None:
        """Adds an entry to lists. An entry that exists already gets a new version."""
        with storage_faults("adding to a list"):
            if len(names) == 1:
                await self._add(entry, names[0])
                return
            for some in batched(names, _AT_ONCE, strict=False):
                await asyncio.gather(*(self._add(entry, name) for name in some))

    async def _add(self, entry: ListEntry, name: str) -> None:
        entity: dict[str, Any] = {"PartitionKey": entry.partition(name), "RowKey": entry.row()}
        await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def find(self, entry: ListEntry, name: str) -> str | None:
        """The version of an entry. None if it isn't in the list."""
        with storage_faults("looking up a list"):
            try:
                row = await self._table.get_entity(entry.partition(name), entry.row(), select=["RowKey"])
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None
        return str(row.metadata["etag"])

    async def remove(self, entry: ListEntry, name: str, *, version: str | None = None) -> None:
        """Removes an entry, if it exists. With `version`, an entry that was added again since then stays."""
        condition: dict[str, Any] = {}
        if version is not None:
            condition = {"etag": version, "match_condition": MatchConditions.IfNotModified}
        with storage_faults("removing from a list"):
            try:
                await self._table.delete_entity(entry.partition(name), entry.row(), **condition)
            except (ResourceNotFoundError, ResourceModifiedError):
                return

    async def read(
        self, name: str, *, first: date | None, last: date | None, after: ListEntry | None, at_once: int
    ) -> AsyncIterator[list[ListEntry]]:
        """The entries of a list from `last` back to `first`, in segments of at most `at_once`. Each is one operation.

        `after` continues after a recording. The rest of its day is read with a query of its own, because a query over
        several days would read this day from its start.
        """
        latest, earliest = day_key(last or date.max), day_key(first or date.min)
        if after is not None:
            day = day_key(after.at.astimezone(UTC).date())
            if latest <= day <= earliest:
                found = "PartitionKey eq @day and RowKey gt @after"
                behind = {"day": f"{name}-{day}", "after": after.row() + AFTER_CHUNKS}
                async for entries in self._segments(found, behind, at_once):
                    yield entries
            latest = max(latest, f"{int(day) + 1:08d}")
        if latest <= earliest:
            days = {"latest": f"{name}-{latest}", "earliest": f"{name}-{earliest}"}
            async for entries in self._segments("PartitionKey ge @latest and PartitionKey le @earliest", days, at_once):
                yield entries

    async def _segments(self, found: str, values: dict[str, str], at_once: int) -> AsyncIterator[list[ListEntry]]:
        with storage_faults("reading a list"):
            rows = self._table.query_entities(
                found, parameters=values, results_per_page=at_once, select=["PartitionKey", "RowKey"]
            )
            async for segment in rows.by_page():
                yield [entry async for row in segment if (entry := _entry(row["RowKey"])) is not None]


def _entry(row: str) -> ListEntry | None:
    """None for a row in an unknown format: the list shows its other entries."""
    try:
        return ListEntry.read(row)
    except ValueError:
        return None
