"""Lists of recordings, newest first: by day, by what is open or in trouble, by call, correlation and participant.

A row says only that a recording, or one of its chunks, is to be looked for at a place of a list; what it is like is
asked of the catalogue. So a row too many costs a look and shows nothing wrong, and a row is entered before what it
leads to is written and struck after that is gone: a crash between the two hides nothing.

Partition = list and day, both so that newer ones sort first. All writes of a list meet in one day: at 100 million
recordings a year that is 3 a second, where a partition takes 2,000.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import batched
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.keys import key_of
from shared.domain.records import Chunk, Recording
from shared.gateways.faults import is_absent, storage_faults

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)  # a table's times begin here
_MICROSECOND = timedelta(microseconds=1)
_LAST_MOMENT = 10**18 - 1  # microseconds after the epoch: past every year that a table can hold
_LAST_DAY = 99_999_999
_AFTER_CHUNKS = "~"  # sorts after every chunk of a recording
_ROW = re.compile(r"(\d{18})-([0-9a-f]{32})(?:-([0-9a-f]{32}))?", re.ASCII)
_AT_ONCE = 32  # rows entered together


class Heading(StrEnum):
    """What a list is of."""

    DAY = "day"  # every recording
    OPEN = "open"  # what is on the worklist: chunks, and recordings whose files are awaited
    TROUBLE = "trouble"  # chunks that failed or are lost, and recordings whose files are missed
    CALL = "call"
    SERVER_CALL = "serverCall"
    CALL_CONNECTION = "callConnection"
    CORRELATION = "correlation"
    PARTICIPANT = "participant"  # chunks; in a table of its own

    def of(self, value: str) -> str:
        """The list of what has this value; it stands there as a digest."""
        return f"{self}-{key_of(value)}"


_BY_VALUE: Mapping[Heading, str] = {
    Heading.CALL: "call_id",
    Heading.SERVER_CALL: "server_call_id",
    Heading.CALL_CONNECTION: "call_connection_id",
    Heading.CORRELATION: "correlation",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a recording, or one of its chunks, stands in a list."""

    at: datetime
    recording_key: str
    chunk_key: str | None = None

    @classmethod
    def of_chunk(cls, chunk: Chunk) -> Self:
        return cls(at=chunk.listed_at or chunk.started_at, recording_key=chunk.recording_key, chunk_key=chunk.chunk_key)

    @classmethod
    def read(cls, row: str) -> Self:
        """A place from its row key. Raises ValueError for anything else."""
        found = _ROW.fullmatch(row)
        if found is None:
            raise ValueError("not a place in a list")
        try:
            at = _EPOCH + (_LAST_MOMENT - int(found[1])) * _MICROSECOND
        except OverflowError:
            raise ValueError("not a place in a list") from None
        return cls(at=at, recording_key=found[2], chunk_key=found[3])

    def row(self) -> str:
        moment = _LAST_MOMENT - (self.at - _EPOCH) // _MICROSECOND
        return "-".join(filter(None, (f"{moment:018d}", self.recording_key, self.chunk_key)))

    def partition(self, heading: str) -> str:
        return f"{heading}-{_day(self.at.astimezone(UTC).date())}"


class Calendar:
    """A table of lists."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def enter(self, place: Place, *headings: str) -> None:
        """Enters a place into lists; it may be there already."""
        with storage_faults("entering into a list"):
            for some in batched(headings, _AT_ONCE, strict=False):
                await asyncio.gather(*(self._enter(place, heading) for heading in some))

    async def _enter(self, place: Place, heading: str) -> None:
        entity: dict[str, Any] = {"PartitionKey": place.partition(heading), "RowKey": place.row()}
        await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def enter_recording(self, recording: Recording, known: Recording | None = None) -> None:
        """Enters a recording that is about to be written wherever it isn't, by what is `known` of it, already."""
        if recording.listed_at is None:
            return
        stays = known is not None and known.listed_at == recording.listed_at
        headings = [] if stays else [str(Heading.DAY)]
        for heading, name in _BY_VALUE.items():
            value = getattr(recording, name)
            if value is not None and not (stays and getattr(known, name) == value):
                headings.append(heading.of(value))
        if recording.overdue_at is not None:
            headings.append(Heading.TROUBLE)
        await self.enter(Place(at=recording.listed_at, recording_key=recording.recording_key), *headings)

    async def find(self, place: Place, heading: str) -> str | None:
        """The version of a place that stands in a list, None when it doesn't: each entry makes a new one."""
        with storage_faults("looking up a list"):
            try:
                row = await self._table.get_entity(place.partition(heading), place.row(), select=["RowKey"])
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None
        return str(row.metadata["etag"])

    async def strike(self, place: Place, heading: str, *, version: str | None = None) -> None:
        """Takes a place off a list; it may be off already. One that was entered again since `version` stays."""
        condition: dict[str, Any] = {}
        if version is not None:
            condition = {"etag": version, "match_condition": MatchConditions.IfNotModified}
        with storage_faults("striking off a list"):
            try:
                await self._table.delete_entity(place.partition(heading), place.row(), **condition)
            except (ResourceNotFoundError, ResourceModifiedError):
                return

    async def read(
        self, heading: str, *, first: date | None, last: date | None, after: Place | None, at_once: int
    ) -> AsyncIterator[list[Place]]:
        """The places of a list from `last` back to `first`, in segments of at most `at_once`, each one operation.

        `after` goes on behind a recording: first in its day alone, since the service would read a day from its
        beginning if it were asked for that day and others.
        """
        latest, earliest = _day(last or date.max), _day(first or date.min)
        if after is not None:
            day = _day(after.at.astimezone(UTC).date())
            if latest <= day <= earliest:
                found = "PartitionKey eq @day and RowKey gt @after"
                behind = {"day": f"{heading}-{day}", "after": after.row() + _AFTER_CHUNKS}
                async for places in self._segments(found, behind, at_once):
                    yield places
            latest = max(latest, f"{int(day) + 1:08d}")
        if latest <= earliest:
            days = {"latest": f"{heading}-{latest}", "earliest": f"{heading}-{earliest}"}
            async for places in self._segments("PartitionKey ge @latest and PartitionKey le @earliest", days, at_once):
                yield places

    async def _segments(self, found: str, values: dict[str, str], at_once: int) -> AsyncIterator[list[Place]]:
        with storage_faults("reading a list"):
            rows = self._table.query_entities(
                found, parameters=values, results_per_page=at_once, select=["PartitionKey", "RowKey"]
            )
            async for segment in rows.by_page():
                yield [place async for row in segment if (place := _place(row["RowKey"])) is not None]


def _place(row: str) -> Place | None:
    """None for a row that isn't of this version's form: a list shows what it can."""
    try:
        return Place.read(row)
    except ValueError:
        return None


def _day(day: date) -> str:
    return f"{_LAST_DAY - (day.year * 10_000 + day.month * 100 + day.day):08d}"
