"""Expired rows: answers stored under an Idempotency-Key, claims on calls, and starts.

A row expires some time after its latest write. It is deleted only in the version that was found (ETag). Each kind has
its own range of keys, so a search reads no rows that never expire.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.gateways.faults import storage_faults

_PAGE = 1000  # rows; a table returns no more at once
_AT_ONCE = 32  # concurrent deletes


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Where rows of a kind are: in partitions that begin with `prefix`. Only rows with the property `needed` expire."""

    prefix: str = ""
    needed: str | None = None


class RowKind(Enum):
    """A kind of row that expires."""

    REQUEST = _Rows()
    CLAIM = _Rows(prefix="auto-", needed="outcome")  # a claim without an outcome is still in progress
    START = _Rows(prefix="start-")


class ExpiredRows:
    """Finds and deletes rows that expired."""

    def __init__(self, tables: TableServiceClient, *, requests_table: str, links_table: str) -> None:
        links = tables.get_table_client(links_table)
        requests = tables.get_table_client(requests_table)
        self._tables = {RowKind.REQUEST: requests, RowKind.CLAIM: links, RowKind.START: links}

    async def remove(self, kind: RowKind, *, before: datetime, most: int) -> int:
        """Deletes at most `most` rows that were last written before `before`. Returns how many it deleted.

        Raises DestinationError.
        """
        table, rows = self._tables[kind], kind.value
        filters = ["Timestamp lt @before"]
        parameters: dict[str, Any] = {"before": before}
        if rows.prefix:
            filters.append("PartitionKey ge @first and PartitionKey lt @end")
            parameters |= {"first": rows.prefix, "end": rows.prefix[:-1] + chr(ord(rows.prefix[-1]) + 1)}
        removed = 0
        with storage_faults("removing expired rows"):
            found = table.query_entities(
                " and ".join(filters),
                parameters=parameters,
                select=[name for name in ("PartitionKey", "RowKey", rows.needed) if name],
                results_per_page=_PAGE,
            )
            async for page in found.by_page():
                expired = [row async for row in page if rows.needed is None or row.get(rows.needed) is not None]
                removed += await _delete(table, expired[: most - removed])
                if removed >= most:
                    break
        return removed


async def _delete(table: TableClient, rows: Sequence[Any]) -> int:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Any) -> bool:
        async with turn:
            try:
                await table.delete_entity(row, etag=row.metadata["etag"], match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False  # the row was written meanwhile, or another run deleted it
            return True

    return sum(await asyncio.gather(*map(one, rows)))
