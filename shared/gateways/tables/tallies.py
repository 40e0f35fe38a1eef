"""Tallies in the calendar's table: for each quarter of an hour a row of each process that ended chunks in it.

A process adds up what it ended and writes its row anew, whole, so a repeat changes nothing. It is written before the
invocation that ended a chunk goes on: one write at a time, and each carries all that came while the one before it was
under way, so chunks that end together share a write. A process that is killed between a chunk's end and this write
takes the count with it. So tallies are for charts and prove nothing; what became of each chunk, the catalogue says.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EdmType, EntityProperty, UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.records import Chunk
from shared.domain.tally import QUARTER, Tally, ended_at, quarter_of
from shared.errors import DestinationError
from shared.gateways.faults import storage_faults
from shared.observability.logs import logger

log = logger("tallies")

_PARTITION = "tally"
_START = "%Y%m%dT%H%M"


class Tallies:
    """Adds up what this process ends, and reads what all of them did."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)
        self._process = uuid.uuid4().hex[:12]
        self._standing: dict[datetime, Tally] = {}
        self._unwritten: set[datetime] = set()
        self._turn = asyncio.Lock()

    async def count(self, chunk: Chunk) -> None:
        """To be told once of each chunk that becomes safe, fails or is lost, after that is written.

        Raises nothing: what could not be written is carried by the next write.
        """
        at = ended_at(chunk)
        if at is None:
            return
        start = quarter_of(at.astimezone(UTC))
        self._standing[start] = self._standing.get(start, Tally()) + Tally.of(chunk)
        self._unwritten.add(start)
        try:
            await self.flush()
        except DestinationError as error:
            log.warning("tallies not written", extra={"action": "tally", "reason": error.reason})

    async def flush(self) -> None:
        """Writes what isn't written. Raises DestinationError; what could not be written is written next time."""
        async with self._turn:
            for start in sorted(self._unwritten):
                self._unwritten.discard(start)
                try:
                    await self._write(start, self._standing[start])
                except (DestinationError, asyncio.CancelledError):
                    self._unwritten.add(start)
                    raise
            for start in self._standing.keys() - self._unwritten:
                if start < max(self._standing) - QUARTER:
                    del self._standing[start]  # nothing more comes to it

    async def since(self, first: datetime) -> AsyncIterator[tuple[datetime, Tally]]:
        """Rows from a quarter on, by its beginning."""
        with storage_faults("reading the tallies"):
            rows = self._table.query_entities(
                "PartitionKey eq @tallies and RowKey ge @first",
                parameters={"tallies": _PARTITION, "first": first.astimezone(UTC).strftime(_START)},
            )
            async for row in rows:
                yield _read(row)

    async def close(self) -> None:
        """Writes what could not be written before."""
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
