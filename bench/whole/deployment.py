"""A running Callvault for the bench: creates documents, delivers their events, and waits for their chunks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from azure.data.tables.aio import TableServiceClient

from local.stack import Stack, StackOptions
from local.stack.addresses import Addresses
from shared.domain.keys import key_of
from shared.gateways.tables.entities import CHUNK_ROWS, to_chunk

_AT_ONCE = 16  # concurrent deliveries of events
_POLL = 0.25  # seconds; each poll costs Azurite a query
_PATIENCE = 900.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Deployment:
    where: Addresses
    http: aiohttp.ClientSession
    tables: TableServiceClient

    async def documents(self, count: int, size: int) -> list[dict[str, Any]]:
        """Creates finished recordings of one chunk each. Returns their events, which aren't delivered yet."""
        order = {"size": size, "format": "wav", "announce": False}
        made = []
        for _ in range(count):
            async with self.http.post(f"{self.where.acs}/documents", json=order) as response:
                response.raise_for_status()
                made.append((await response.json())["event"])
        return made

    async def deliver(self, events: Collection[dict[str, Any]]) -> dict[str, datetime]:
        """Delivers each event once, as Event Grid does, several at a time. Returns the times by chunk key."""
        slots = asyncio.Semaphore(_AT_ONCE)
        began: dict[str, datetime] = {}

        async def one(event: dict[str, Any]) -> None:
            (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
            headers = {"aeg-event-type": "Notification"}
            async with slots:
                began[key_of(chunk["documentId"])] = datetime.now(UTC)
                async with self.http.post(self.where.event_grid_url, json=[event], headers=headers) as response:
                    response.raise_for_status()

        await asyncio.gather(*map(one, events))
        return began

    async def released(self) -> dict[str, datetime]:
        """Waits until no chunk is open. Returns the time of each chunk's release by chunk key.

        Polls the worklist, because its rows are removed last. A query for one row costs Azurite very little.
        """
        worklist = self.tables.get_table_client("worklist")
        async with asyncio.timeout(_PATIENCE):
            while [row async for row in worklist.list_entities(results_per_page=1, select=["RowKey"])]:  # noqa: ASYNC110 - other processes set no event of ours
                await asyncio.sleep(_POLL)
        rows = self.tables.get_table_client("recordings").list_entities()
        chunks = [to_chunk(row) async for row in rows if row["RowKey"].startswith(CHUNK_ROWS)]
        return {chunk.chunk_key: chunk.released_at for chunk in chunks if chunk.released_at is not None}


@contextlib.asynccontextmanager
async def deployed(place: Path, *, workers: int, storage_log: bool = False) -> AsyncIterator[Deployment]:
    """Starts a stack with empty storage. Removes the files of an earlier stack in the same place.

    Nothing is announced, because a topic is optional and the peers don't announce, either.
    """
    silent = {"ANNOUNCE_TOPIC_ENDPOINT": "", "ANNOUNCE_TOPIC_KEY": ""}
    options = StackOptions(directory=place, fresh=True, workers=workers, settings=silent, storage_log=storage_log)
    async with (
        Stack(options) as stack,
        aiohttp.ClientSession() as http,
        TableServiceClient.from_connection_string(stack.addresses.storage_connection_string) as tables,
    ):
        yield Deployment(where=stack.addresses, http=http, tables=tables)
