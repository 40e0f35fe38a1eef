"""A running stack for the fault tests: creates documents, delivers events, starts the sweep, and reads the data."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueServiceClient

from local.faults.injection.compressed_clock import Compression
from local.faults.running_stack.evidence import Announcement, Evidence, Original, Row
from local.stack.addresses import Addresses
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.gateways.tables.entities import CHUNK_ROWS, to_chunk

QUEUE = "recording-chunks"
SPOILED = "spoiled"  # documentId of the unreadable rows
_SWEEP_TIMEOUT = 5.0  # seconds


class StackClientError(Exception):
    """A part of the stack refused a request of the test, so the test can't continue."""


@dataclass(frozen=True, kw_only=True)
class StackClient:
    where: Addresses
    http: aiohttp.ClientSession
    tables: TableServiceClient
    queues: QueueServiceClient
    archive: ContainerClient
    quarantine: ContainerClient
    compression: Compression | None = None

    async def acs(self, method: str, path: str, **body: Any) -> Any:
        async with self.http.request(method, self.where.acs + path, json=body or None) as response:
            if not response.ok:
                raise StackClientError(f"{method} {path}: {await response.text()}")
            return json.loads(await response.read() or b"null")

    async def document(self, **order: Any) -> Any:
        return await self.acs("POST", "/documents", **order)

    async def deliver(self, event: dict[str, Any], entrance: str = "trigger") -> bool:
        """Delivers an event once, as Event Grid or as a caller. Returns whether it was accepted."""
        url, headers = self.where.event_grid_url, {"aeg-event-type": "Notification"}
        if entrance != "trigger":
            url, headers = f"{self.where.functions}/api/events", {"x-functions-key": self.where.master_key}
        body = [_cloud_event(event) if entrance == "cloud event" else event]
        try:
            async with self.http.post(url, json=body, headers=headers) as response:
                return response.status == HTTPStatus.ACCEPTED
        except (aiohttp.ClientError, TimeoutError):
            return False  # the host is being replaced

    async def sweep(self) -> bool:
        """Starts the sweep, and waits as long as one request to the app takes. The sweep may still be running then.

        False if the host can't be reached.
        """
        url = f"{self.where.functions}/admin/functions/sweep"
        try:
            async with self.http.post(url, json={}, headers={"x-functions-key": self.where.master_key}) as response:
                started = response.status == HTTPStatus.ACCEPTED
            async with asyncio.timeout(_SWEEP_TIMEOUT):  # without the limit, concurrent sweeps would accumulate
                await self.ask("recordings?limit=1")
        except (aiohttp.ClientError, TimeoutError):
            return False
        return started

    async def ask(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and body of the app's response to a GET request."""
        keyed = {"x-functions-key": self.where.functions_key, **headers}
        async with self.http.get(f"{self.where.functions}/api/{path}", headers=keyed) as response:
            body = await response.read()
        try:
            return response.status, json.loads(body or b"null")
        except ValueError:
            return response.status, None

    async def chunks(self, keys: Collection[str] | None = None) -> list[Chunk]:
        """The catalogue's chunks: those of the recordings with these keys, or all."""
        table = self.tables.get_table_client("recordings")
        return [
            to_chunk(entity)
            async for partition in _partitions(table, keys)
            async for entity in partition
            if entity["RowKey"].startswith(CHUNK_ROWS) and entity["documentId"] != SPOILED
        ]

    async def chunks_of(self, document_id: str) -> list[Chunk]:
        """The catalogue's rows of a document, under any recording."""
        table = self.tables.get_table_client("recordings")
        row = CHUNK_ROWS + key_of(document_id)
        return [to_chunk(entity) async for entity in table.query_entities("RowKey eq @row", parameters={"row": row})]

    async def backdate(self, document_id: str, age: timedelta) -> None:
        """Makes a chunk's row as old as its event."""
        table = self.tables.get_table_client("recordings")
        for chunk in await self.chunks_of(document_id):
            keys = {"PartitionKey": chunk.recording_key, "RowKey": CHUNK_ROWS + chunk.chunk_key}
            await table.upsert_entity(keys | {"pendingAt": self.now() - age}, mode=UpdateMode.MERGE)

    async def rows(self) -> list[Row]:
        """The worklist."""
        table = self.tables.get_table_client("worklist")
        return [
            Row(recording_key=entity["recordingKey"], chunk_key=entity.get("chunkKey"))
            async for entity in table.list_entities()
        ]

    async def messages(self, queue: str = QUEUE) -> int:
        """The number of messages on the queue, visible or not."""
        found = await self.queues.get_queue_client(queue).get_queue_properties()
        return found.approximate_message_count or 0

    async def evidence(self, recordings: Collection[str], keys: Collection[str] | None = None) -> Evidence:
        """The data of these recordings; from all of the storage, or only of these recording keys."""
        known = [await self.acs("GET", f"/recordings/{recording_id}") for recording_id in recordings]
        return Evidence(
            originals={
                chunk["documentId"]: self._original(chunk) for recording in known for chunk in recording["chunks"]
            },
            chunks=await self.chunks(keys),
            rows=[row for row in await self.rows() if keys is None or row.recording_key in keys],
            announcements=await self._announcements(),
            files={name: await self.sha256(name) async for name in self._names(keys)},
            labels={blob.name: blob.metadata or {} async for blob in self.archive.list_blobs(include=["metadata"])},
            quarantined=[name async for name in self.quarantine.list_blob_names()],
            queued=await self.messages(),
            poisoned=await self.messages(f"{QUEUE}-poison"),
            now=self.now(),
        )

    async def _announcements(self) -> list[Announcement]:
        return [_announcement(one["event"]) for one in await self.acs("GET", "/announcements")]

    def _original(self, source: dict[str, Any]) -> Original:
        deleted = source["deletedAt"]
        return Original(
            sha256=source["sha256"],
            metadata_sha256=source["metadataSha256"],
            deleted_at=self.moment(datetime.fromisoformat(deleted)) if deleted else None,
            expires_at=self.moment(datetime.fromisoformat(source["expiresAt"])),
            participants=tuple(one["participantId"] for one in source["metadata"].get("participants", ())),
        )

    def now(self) -> datetime:
        """The current time by the product's clock."""
        return self.moment(datetime.now(UTC))

    def moment(self, real: datetime) -> datetime:
        return self.compression.moment(real) if self.compression else real

    async def _names(self, keys: Collection[str] | None) -> AsyncIterator[str]:
        async for name in self.archive.list_blob_names():
            if keys is None or any(key in name for key in keys):
                yield name

    async def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        download = await self.archive.download_blob(name)
        async for piece in download.chunks():
            await asyncio.to_thread(digest.update, piece)
        return digest.hexdigest()


def _announcement(event: dict[str, Any]) -> Announcement:
    data = event["data"]
    chunks = data.get("chunks") or [data]
    return Announcement(
        type=event["type"],
        subject=event["subject"],
        documents=tuple(chunk["documentId"] for chunk in chunks),
        announcement_id=event["id"],
        at=datetime.fromisoformat(event["time"]),
        reason=data.get("reason"),
        attempts=data.get("attempts", 0),
    )


def _cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    """Converts an event from Event Grid's schema to CloudEvents 1.0."""
    same = {name: event[name] for name in ("id", "subject", "data")}
    attributes = {
        "specversion": "1.0",
        "source": event["topic"],
        "type": event["eventType"],
        "time": event["eventTime"],
    }
    return same | attributes


async def _partitions(table: Any, keys: Collection[str] | None) -> AsyncIterator[Any]:
    if keys is None:
        yield table.list_entities()
        return
    for key in keys:
        yield table.query_entities("PartitionKey eq @key", parameters={"key": key})


@asynccontextmanager
async def stack_client(where: Addresses, compression: Compression | None = None) -> AsyncIterator[StackClient]:
    storage = where.storage_connection_string
    async with (
        aiohttp.ClientSession() as http,
        TableServiceClient.from_connection_string(storage) as tables,
        QueueServiceClient.from_connection_string(storage) as queues,
        ContainerClient.from_connection_string(storage, "recordings") as archive,
        ContainerClient.from_connection_string(storage, "quarantine") as quarantine,
    ):
        yield StackClient(
            where=where,
            http=http,
            tables=tables,
            queues=queues,
            archive=archive,
            quarantine=quarantine,
            compression=compression,
        )
