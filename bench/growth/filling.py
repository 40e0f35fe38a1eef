"""Fills a catalogue with up to hundreds of thousands of old, released recordings.

Each is a copy, with its own keys, of a recording that the product wrote. For queries, the catalogue is the same as one
that grew over time. Lists by call are left out, because no row of the bench reads them.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

import aiohttp
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.data.tables.aio import TableServiceClient

from local.stack.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from shared.domain.keys import key_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState
from shared.gateways.bundle import Gateways
from shared.gateways.tables.lists import PARTITION
from shared.settings.settings import Settings

_AT_ONCE = 16  # concurrent requests
_A_DAY = 1000  # recordings
_IN_A_TRANSACTION = 100
_TEMPLATE = "template"
_NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def chunk_of(name: str, at: datetime, **more: Any) -> Chunk:
    """The only chunk of a recording with this name, as an event announces it."""
    return Chunk(
        recording_key=key_of(name),
        chunk_key=key_of(f"{name} document"),
        recording_id=name,
        document_id=f"{name} document",
        index=0,
        content_location="https://storage.asm.skype.com/v1/objects/document/content/video",
        metadata_location="https://storage.asm.skype.com/v1/objects/document/content/acsmetadata",
        delete_location="https://us-storage.asm.skype.com/v1/objects/document",
        started_at=at,
        listed_at=at,
        event_id=f"{name} event",
        event_time=at,
        deadline=at + timedelta(hours=24),
        pending_at=at,
        **more,
    )


@dataclass(frozen=True, kw_only=True)
class Filler:
    """Fills one catalogue on one Azurite."""

    storage: Azurite
    settings: Settings
    gateways: Gateways

    async def fill(self, count: int) -> None:
        """Adds `count` recordings of the past, a thousand for each day."""
        ages = range(count)
        await self._fill_lists(ages)
        rows = await self._template()
        table = f"{self.storage.table_url}/{self.settings.recordings_table}?{_sas()}"
        headers = {"Content-Type": "application/json", "Accept": "application/json;odata=nometadata"}
        headers |= {"Prefer": "return-no-content", "x-ms-version": "2019-02-02"}
        bodies = self._copies(rows, ages)
        async with aiohttp.ClientSession(headers=headers) as http, asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(_insert(http, table, bodies))

    async def _fill_lists(self, ages: range) -> None:
        async with TableServiceClient.from_connection_string(self.storage.connection_string) as tables:
            calendar = tables.get_table_client(self.settings.calendar_table)
            for day in batched(ages, _A_DAY, strict=False):
                places = [ListEntry(at=_moment(age), recording_key=key_of(_name(age))) for age in day]
                rows = [{"PartitionKey": PARTITION, "RowKey": place.row_in(ListName.DAY)} for place in places]
                for some in batched(rows, _IN_A_TRANSACTION, strict=False):
                    await calendar.submit_transaction(("create", row) for row in some)

    async def _template(self) -> list[str]:
        """The rows of one released recording that the product wrote, in the service's format."""
        chunk = chunk_of(
            _TEMPLATE,
            _moment(0),
            state=ChunkState.RELEASED,
            attempts=1,
            copying_at=_moment(0),
            archived_at=_moment(0),
            released_at=_moment(0),
            size=1_000_000,
            sha256="0" * 64,
            blob_name="2026/01/01/recording/0000-document.wav",
        )
        recording = Recording(
            recording_key=chunk.recording_key,
            recording_id=_TEMPLATE,
            listed_at=_moment(0),
            started_at=_moment(0),
            announced_at=_moment(0),
        )
        await self.gateways.catalogue.add_chunks(recording, (chunk,), None)
        url = f"{self.storage.table_url}/{self.settings.recordings_table}()?{_sas()}"
        wanted = {"$filter": f"PartitionKey eq '{chunk.recording_key}'"}
        headers = {"Accept": "application/json;odata=fullmetadata", "x-ms-version": "2019-02-02"}
        async with aiohttp.ClientSession() as http, http.get(url, params=wanted, headers=headers) as response:
            response.raise_for_status()
            rows = (await response.json(content_type=None))["value"]
        return [json.dumps({name: row[name] for name in row if _is_property(name)}) for row in rows]

    def _copies(self, rows: list[str], ages: range) -> Iterator[str]:
        old, old_chunk = key_of(_TEMPLATE), key_of(f"{_TEMPLATE} document")
        for age in ages:
            new = _name(age)
            changes = {
                old: key_of(new),
                old_chunk: key_of(f"{new} document"),
                _TEMPLATE: new,
                _seconds(_moment(0)): _seconds(_moment(age)),
            }
            for row in rows:
                copy = row
                for mark, mine in changes.items():
                    copy = copy.replace(mark, mine)
                yield copy


async def _insert(http: aiohttp.ClientSession, table: str, bodies: Iterator[str]) -> None:
    for body in bodies:
        async with http.post(table, data=body) as response:
            response.raise_for_status()


def _is_property(name: str) -> bool:
    return not name.startswith(("odata.", "Timestamp"))


def _name(age: int) -> str:
    return f"filler-{age:06d}"


def _moment(age: int) -> datetime:
    """A time for the recording: a thousand have the same day, and none has today's."""
    return _NOON - timedelta(days=1 + age // _A_DAY, seconds=age % _A_DAY)


def _seconds(moment: datetime) -> str:
    """The beginning of a time as rows have it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def _sas() -> str:
    return str(
        generate_account_sas(
            AzureNamedKeyCredential(ACCOUNT, ACCOUNT_KEY),
            ResourceTypes(service=True, object=True, container=True),
            AccountSasPermissions(read=True, write=True, add=True, list=True, update=True),
            datetime.now(UTC) + timedelta(hours=12),
        )
    )
