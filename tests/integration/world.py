"""The use cases without the Functions host, on storage in memory or Azurite, with the ACS simulator."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from azure.storage.queue import TextBase64DecodePolicy

from shared.app import App
from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.gateways.bundle import Gateways
from shared.http.answers import Answer, answering
from shared.settings.settings import Settings
from tests.integration.storages import MovableClock, QuickClock, Storage

__all__ = ["PARTICIPANTS_SECRET", "Asked", "MakeWorld", "MovableClock", "QuickClock", "World"]

MakeWorld = Callable[..., Any]
PARTICIPANTS_SECRET = "of-participants-and-nobody-else"


class Asked:
    """Calls commands or queries as function_app does: their errors become problems."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Answer]]:
        return lambda *args, **named: answering(name, getattr(self._target, name)(*args, **named))


@dataclass(kw_only=True)
class World:
    """One app with its own names in storage, and helpers for tests."""

    app: App
    gateways: Gateways
    settings: Settings
    http: aiohttp.ClientSession
    control: str
    storage: Storage

    @property
    def writers(self) -> Writers:
        return Writers.over(self.gateways)

    @property
    def commands(self) -> Asked:
        return Asked(self.app.commands)

    @property
    def queries(self) -> Asked:
        return Asked(self.app.queries)

    async def acs(self, method: str, path: str, **body: Any) -> Any:
        """Calls the simulator's control API."""
        async with self.http.request(method, self.control + path, json=body or None) as response:
            assert response.ok, await response.text()
            return await response.json() if response.content_length else None

    async def document(self, **order: Any) -> dict[str, Any]:
        """Makes a finished recording of one or more chunks, with the event that announces it."""
        made: dict[str, Any] = await self.acs("POST", "/documents", **({"announce": False} | order))
        return made

    async def announced(self, **order: Any) -> tuple[dict[str, Any], ChunkJob]:
        made = await self.document(**order)
        await self.app.intake.receive(made["event"])
        return made, ChunkJob.of(await self.chunk(self.job(made)))

    def job(self, made: dict[str, Any], number: int = 0) -> ChunkJob:
        document_id = made["chunks"][number]["documentId"]
        return ChunkJob(recordingKey=key_of(made["recordingId"]), chunkKey=key_of(document_id))

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        await self.acs("POST", "/faults", operation=operation, kind=kind, **more)

    async def chunk(self, job: ChunkJob) -> Chunk:
        found = await self.gateways.catalogue.chunk(job.recordingKey, job.chunkKey)
        assert found is not None
        return found

    async def source(self, made: dict[str, Any], number: int = 0) -> dict[str, Any]:
        """The chunk as the simulator has it now."""
        found = await self.acs("GET", f"/recordings/{made['recordingId']}")
        chunk: dict[str, Any] = found["chunks"][number]
        return chunk

    def table(self, name: str) -> Any:
        return self.storage.table(name)

    def container(self, name: str) -> Any:
        return self.storage.container(name)

    def queue(self, name: str, **policies: Any) -> Any:
        return self.storage.queue(name, **policies)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        async with self.table(table) as found:
            return [dict(row) async for row in found.list_entities()]

    async def worklist(self) -> list[dict[str, Any]]:
        return await self.rows(self.settings.worklist_table)

    async def blobs(self) -> dict[str, bytes]:
        async with self.container(self.settings.archive_container) as container:
            names = [blob.name async for blob in container.list_blobs()]
            return {name: await (await container.download_blob(name)).readall() for name in names}

    async def quarantined(self) -> list[bytes]:
        async with self.container(self.settings.quarantine_container) as kept:
            return [await (await kept.download_blob(blob.name)).readall() async for blob in kept.list_blobs()]

    async def quarantine(self, name: str, body: bytes) -> None:
        async with self.container(self.settings.quarantine_container) as kept:
            await kept.upload_blob(name, body)

    async def queued(self) -> int:
        """The number of messages on the queue, including delayed ones."""
        async with self.queue(self.settings.chunks_queue) as queue:
            return int((await queue.get_queue_properties()).approximate_message_count or 0)

    async def take_job(self) -> ChunkJob:
        """The next due message, as the host delivers it. Waits for a delayed message."""
        policy = TextBase64DecodePolicy()
        async with self.queue(self.settings.chunks_queue, message_decode_policy=policy) as queue:
            while True:
                message = await queue.receive_message()
                if message is not None:
                    await queue.delete_message(message)
                    return ChunkJob.decode(message.content.encode())
                await self.storage.soon()

    async def dropped(self) -> int:
        """Deletes every due message, as if the queue had lost it, and returns their number."""
        async with self.queue(self.settings.chunks_queue) as queue:
            before = await self.queued()
            await queue.clear_messages()
            return before

    async def drained(self) -> None:
        """Handles jobs until the queue is empty."""
        while await self.queued():
            await self.app.archiving.handle(await self.take_job())
