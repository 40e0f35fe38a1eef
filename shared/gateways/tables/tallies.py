"""Tallies in the lists' table: one row for each quarter of an hour and each process that ended chunks in it.

A process adds up the chunks that it ended and replaces its whole row, so a repeated write changes nothing. The row is
written before the invocation that ended a chunk continues. There is one write at a time. Chunks that end during a write
share the next one. If a process is killed between the end of a chunk and this write, the chunk isn't counted. So
tallies are for charts only and prove nothing; the catalogue has the state of each chunk.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EdmType, EntityProperty, UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk
from shared.domain.tally import QUARTER, Tally, ended_at, quarter_of
from shared.errors import DestinationError
from shared.gateways.faults import storage_faults
from shared.observability.logs import logger

log = logger("tallies")

_PARTITION = "tally"
_START = "%Y%m%dT%H%M"


class Tallies:
    """Counts the chunks that this process ends, and reads the tallies of all processes."""

    def __init__(self, tables: TableServiceClient, table_name: str, random_source: RandomSource) -> None:
        self._table = tables.get_table_client(table_name)
        self._process = random_source.new_id().hex[:12]
        self._current: dict[datetime, Tally] = {}
        self._unwritten: set[datetime] = set()
        self._turn = asyncio.Lock()

    async def count(self, chunk: Chunk) -> None:
        """Counts a chunk. Call it once for each chunk that becomes safe, fails or is lost, after its row is written.

        Raises nothing: if the write fails, the next one includes this chunk.
        """
        at = ended_at(chunk)
        if at is None:
            return
        start = quarter_of(at.astimezone(UTC))
        self._current[start] = self._current.get(start, Tally()) + Tally.of(chunk)
        self._unwritten.add(start)
        try:
            await self.flush()
        except DestinationError as error:
            log.warning("tally not written", extra={"action": "tally", "reason": error.reason})

    async def flush(self) -> None:
        """Writes all changed rows. Raises DestinationError; rows that couldn't be written are written next time."""
        async with self._turn:
            for start in sorted(self._unwritten):
                self._unwritten.discard(start)
                try:
                    await self._write(start, self._current[start])
                except (DestinationError, asyncio.CancelledError):
                    self._unwritten.add(start)
                    raise
            for start in self._current.keys() - self._unwritten:
                if start < max(self._current) - QUARTER:
                    del self._current[start]  # no more chunks will end in this quarter

    async def since(self, first: datetime) -> AsyncIterator[tuple[datetime, Tally]]:
        """All rows from the quarter that begins at `first` on, each with the start of its quarter."""
        with storage_faults("reading the tallies"):
            rows = self._table.query_entities(
                "PartitionKey eq @tallies and RowKey ge @first",
                parameters={"tallies": _PARTITION, "first": first.astimezone(UTC).strftime(_START)},
            )
            async for row in rows:
                yield _read(row)

    async def close(self) -> None:
        """Writes the rows that couldn't be written before."""
        with contextlib.suppress(DestinationError):
            await self.flush()

    async def _write(self, start: datetime, tally: Tally) -> None:
        entity: dict[str, Any] = {
            "PartitionKey": _PARTITION,
            "RowKey": f"{start:{_START}}-{self._process}",
            "safe": tally.safe,
            "size": EntityProperty(tally.size, EdmType.INT64),
            "failed": tally.failed,
            "lost": tally.lost,
            "seconds": float(tally.seconds),
            "longest": float(tally.longest),
            "spread": json.dumps(tally.spread),
        }
        with storage_faults("writing a tally"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)


def _read(row: Any) -> tuple[datetime, Tally]:
    start = datetime.strptime(row["RowKey"].partition("-")[0], _START).replace(tzinfo=UTC)
    return start, Tally(
        safe=row["safe"],
        size=row["size"].value,
        failed=row["failed"],
        lost=row["lost"],
        seconds=row["seconds"],
        longest=row["longest"],
        spread=tuple(json.loads(row["spread"])),
    )
