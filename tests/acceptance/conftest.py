"""The whole stack: the Functions host on the real worker library, Azurite, and ACS over TLS. Nothing is replaced."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueClient

from local.stack import Stack, StackOptions
from local.stack.addresses import Addresses
from local.stack.stack import CALLBACK_SECRET
from shared.recording.callback_urls import CallbackUrls
from shared.settings.settings import Settings
from tests.acceptance.description import Description

# The query of this stack's callback URL for calls of other code.
SIGNED = urlsplit(
    str(
        CallbackUrls(
            Settings.model_construct(callback_url="https://callvault.example/", callback_secret=CALLBACK_SECRET)
        ).of_any_call()
    )
).query
PATIENCE = 120  # seconds to wait for something before a test fails; not a measure of speed

DESCRIPTION = Description()


@dataclass(kw_only=True)
class Deployment:
    """A running Callvault as its callers and operators see it."""

    where: Addresses
    http: aiohttp.ClientSession

    @property
    def operator(self) -> dict[str, str]:
        """Headers of a caller with the master key, which operators' routes require."""
        return {"x-functions-key": self.where.master_key}

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any, Any]:
        """Status, body and headers of a request to the function app, with its function key unless `headers` are given.

        Fails for an answer that the interface's description doesn't tell of.
        """
        options.setdefault("headers", {"x-functions-key": self.where.functions_key})
        async with self.http.request(method, f"{self.where.functions}{path}", **options) as response:
            body = await response.json(content_type=None)
            DESCRIPTION.check(method, path, response.status, response.content_type, body)
            return response.status, body, response.headers

    async def acs(self, method: str, path: str, **body: Any) -> Any:
        async with self.http.request(method, self.where.acs + path, json=body or None) as response:
            assert response.ok, await response.text()
            return await response.json() if response.content_length else None

    async def recording(self, recording_id: str) -> dict[str, Any]:
        status, body, _ = await self.call("GET", f"/api/recordings/{quote(recording_id, safe='')}")
        assert status == 200, body
        view: dict[str, Any] = body
        return view

    async def settled(self, recording_id: str, states: frozenset[str] = frozenset({"released"})) -> dict[str, Any]:
        """Waits until all chunks of the recording are in one of these states, and returns the recording."""

        async def look() -> dict[str, Any] | None:
            status, view, _ = await self.call("GET", f"/api/recordings/{quote(recording_id, safe='')}")
            done = status == 200 and view["chunks"] and {chunk["state"] for chunk in view["chunks"]} <= states
            return view if done else None

        return await until(look)

    async def deliver(self, event: Any, url: str | None = None) -> int:
        """Delivers an event as Event Grid does, and returns the status of the answer."""
        headers = {"aeg-event-type": "Notification"}
        async with self.http.post(url or self.where.event_grid_url, json=event, headers=headers) as response:
            return response.status

    def queue(self, name: str = "recording-chunks") -> QueueClient:
        return QueueClient.from_connection_string(self.where.storage_connection_string, name)

    def container(self, name: str) -> ContainerClient:
        return ContainerClient.from_connection_string(self.where.storage_connection_string, name)

    def table(self, name: str) -> TableClient:
        return TableClient.from_connection_string(self.where.storage_connection_string, name)


async def until(look: Callable[[], Any]) -> Any:
    """Repeats `look` until it returns something, and returns that."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await look()):  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.05)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with deployed(tmp_path_factory.mktemp("stack")) as running:
        yield running


@asynccontextmanager
async def deployed(directory: Path) -> AsyncIterator[Deployment]:
    """A separate stack, for tests that leave work behind, such as jobs for sources that don't exist."""
    settings = {
        "RETRY_BASE_SECONDS": "0.1",
        "LEASE_SECONDS": "5",
        "AUTO_RECORD": json.dumps(
            [
                {"on": ["CallStarted"], "calls": ["room"], "format": "mp3"},
                {"on": ["CallConnected"], "format": "mp3"},
            ]
        ),
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:00",
    }
    options = StackOptions(directory=directory, workers=2, settings=settings)
    async with Stack(options) as stack, aiohttp.ClientSession() as http:
        yield Deployment(where=stack.addresses, http=http)
        assert not list(lost_lines(stack.addresses.logs / "host.log")), "alerts could not see these lines"


def lost_lines(log: Path) -> Iterator[str]:
    """Log lines of the app, from warnings up, in places from which the real worker exports nothing."""
    for text in log.read_text().splitlines():
        line = json.loads(text) if text.startswith("{") else {}
        loud = line.get("level") in ("WARNING", "ERROR", "CRITICAL")
        if loud and "lost" in line and line["logger"].startswith("callvault"):
            yield line["message"]
