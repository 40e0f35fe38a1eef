"""Tables of lists. An entry has only the key of a recording or chunk; its values are in the catalogue.

All lists of a table are in one partition, and a row's key begins with the name of its list. So one transaction adds an
entry to all its lists, and a list is a range of row keys, newest first. A partition allows 2,000 rows a second. With
100 million recordings a year, that is 3 recordings a second, each with a row for its day, for each ID of its call and
for each label. shared.bookkeeping decides which list an entry belongs to, and when it is removed.
"""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from itertools import batched
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.list_entry import AFTER_CHUNKS, ListEntry, moment_key
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.retries import REPEATED

PARTITION = "lists"
_TRANSACTION = 100  # rows
_END = "~"  # sorts after every row of a list


class Lists:
    """A table of lists."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def add(self, entry: ListEntry, *names: str) -> None:
        """Adds an entry to lists: one operation for a hundred. An entry that exists already gets a new version."""
        with storage_faults("adding to a list"):
            for some in batched(names, _TRANSACTION, strict=False):
                rows = [{"PartitionKey": PARTITION, "RowKey": entry.row_in(name)} for name in some]
                replace = {"mode": UpdateMode.REPLACE}
                await self._table.submit_transaction([("upsert", row, replace) for row in rows], **REPEATED)

    async def find(self, entry: ListEntry, name: str) -> str | None:
        """The version of an entry. None if it isn't in the list."""
        with storage_faults("looking up a list"):
            try:
                row = await self._table.get_entity(PARTITION, entry.row_in(name), select=["RowKey"])
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
                await self._table.delete_entity(PARTITION, entry.row_in(name), **condition)
            except (ResourceNotFoundError, ResourceModifiedError):
                return

    async def read(
        self, name: str, *, first: date | None, last: date | None, after: ListEntry | None, at_once: int
    ) -> AsyncIterator[list[ListEntry]]:
        """The entries of a list from `last` back to `first`, in segments of at most `at_once`. Each is one operation.

        `after` continues after a recording.
        """
        begins = moment_key(datetime.combine(last, time.max, UTC)) if last else ""
        if after is not None:
            begins = max(begins, after.row() + AFTER_CHUNKS)
        ends = (moment_key(datetime.combine(first, time.min, UTC)) if first else "") + _END
        values = {"lists": PARTITION, "begins": f"{name}-{begins}", "ends": f"{name}-{ends}"}
        found = "PartitionKey eq @lists and RowKey gt @begins and RowKey lt @ends"
        with storage_faults("reading a list"):
            rows = self._table.query_entities(found, parameters=values, results_per_page=at_once, select=["RowKey"])
            async for segment in rows.by_page():
                keys = [row["RowKey"].removeprefix(f"{name}-") async for row in segment]
                yield [entry for key in keys if (entry := _entry(key)) is not None]


def _entry(row: str) -> ListEntry | None:
    """None for a row in an unknown format: the list shows its other entries."""
    try:
        return ListEntry.read(row)
    except ValueError:
        return None
