"""Runs the use cases on real storage (Azurite) and the ACS simulator, without the Functions host."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from local.acs.simulator import Options, Simulator
from local.stack import Azurite, Resources, provision
from shared.app import App
from shared.bookkeeping.books import Books
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock, SystemClock
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.gateways.bundle import Gateways
from shared.http.answers import Answer, answering
from shared.settings.settings import Settings, load_settings

MakeWorld = Callable[..., Any]
PARTICIPANTS_SECRET = "of-participants-and-nobody-else"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with Simulator(Options(state=tmp_path_factory.mktemp("acs"), event_delay=0, oddities=False)) as running:
        yield running


class MovableClock(SystemClock):
    """The machine's clock, which tests can move forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def forward(self, **by: float) -> None:
        self._ahead += timedelta(**by)


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
    storage: str

    @property
    def books(self) -> Books:
        return Books.over(self.gateways)

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

    async def blobs(self) -> dict[str, bytes]:
        async with ContainerClient.from_connection_string(self.storage, self.settings.archive_container) as container:
            names = [blob.name async for blob in container.list_blobs()]
            return {name: await (await container.download_blob(name)).readall() for name in names}

    async def quarantined(self) -> list[bytes]:
        async with ContainerClient.from_connection_string(self.storage, self.settings.quarantine_container) as kept:
            return [await (await kept.download_blob(blob.name)).readall() async for blob in kept.list_blobs()]

    async def quarantine(self, name: str, body: bytes) -> None:
        async with ContainerClient.from_connection_string(self.storage, self.settings.quarantine_container) as kept:
            await kept.upload_blob(name, body)

    async def queued(self) -> int:
        """The number of messages on the queue, including delayed ones."""
        async with QueueClient.from_connection_string(self.storage, self.settings.chunks_queue) as queue:
            return int((await queue.get_queue_properties()).approximate_message_count or 0)

    async def take_job(self) -> ChunkJob:
        """The next due message, as the host delivers it. Waits for a delayed message."""
        policy = TextBase64DecodePolicy()
        async with QueueClient.from_connection_string(
            self.storage, self.settings.chunks_queue, message_decode_policy=policy
        ) as queue:
            while True:
                message = await queue.receive_message()
                if message is not None:
                    await queue.delete_message(message)
                    return ChunkJob.decode(message.content.encode())

    async def dropped(self) -> int:
        """Deletes every due message, as if the queue had lost it, and returns their number."""
        async with QueueClient.from_connection_string(self.storage, self.settings.chunks_queue) as queue:
            before = await self.queued()
            await queue.clear_messages()
            return before

    async def drained(self) -> None:
        """Handles jobs until the queue is empty."""
        while await self.queued():
            await self.app.archiving.handle(await self.take_job())


@pytest_asyncio.fixture(loop_scope="session")
async def make_world(
    azurite: Azurite, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MakeWorld]:
    """Makes worlds. Each has its own queue, tables and containers, so that tests don't affect each other.

    A setting of None is unset.
    """
    worlds: list[World] = []
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")

    async def make(*, like: World | None = None, clock: Clock | None = None, **overrides: Any) -> World:
        mark = uuid.uuid4().hex[:12]
        names = {
            "CHUNKS_QUEUE": f"chunks-{mark}",
            "ARCHIVE_CONTAINER": f"archive-{mark}",
            "QUARANTINE_CONTAINER": f"quarantine-{mark}",
            "DEADLETTER_CONTAINER": f"deadletter-{mark}",
            "RECORDINGS_TABLE": f"recordings{mark}",
            "WORKLIST_TABLE": f"worklist{mark}",
            "LINKS_TABLE": f"links{mark}",
            "REQUESTS_TABLE": f"requests{mark}",
            "CALENDAR_TABLE": f"calendar{mark}",
            "PARTICIPANTS_TABLE": f"participants{mark}",
        }
        if like is not None:
            names = {name: str(getattr(like.settings, name.lower())) for name in names}
        environment = {
            "ACS_CONNECTION_STRING": simulator.connection_string,
            "ACS_LOCAL_GATEWAY": simulator.tls,
            "ACS_LOCAL_CA": str(Path(simulator.ca)),
            "AzureWebJobsStorage": azurite.connection_string,
            "RETRY_BASE_SECONDS": "0.01",
            "PARTICIPANTS_SECRET": PARTICIPANTS_SECRET,
            **names,
            **overrides,
        }
        for name, value in environment.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, str(value))
        settings = load_settings()
        resources = Resources(
            queues=(settings.chunks_queue, settings.poison_queue),
            tables=settings.tables,
            containers=settings.archive_containers + settings.host_containers,
        )
        await provision(azurite.connection_string, resources)
        app = App.over(settings, clock or SystemClock())
        world = World(
            app=app,
            gateways=Gateways.over(app.clients, settings),
            settings=settings,
            http=aiohttp.ClientSession(),
            control=simulator.control,
            storage=azurite.connection_string,
        )
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        await world.app.close()
        await world.http.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld) -> World:
    made: World = await make_world()
    return made
