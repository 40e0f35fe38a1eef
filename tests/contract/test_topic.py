"""The topic in memory and the simulator's accept and refuse the same requests."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from azure.core.rest import HttpRequest

from local.acs.simulator import Options, Simulator
from local.memory.storage.account import Account
from local.memory.topic import MemoryTopic
from shared.contracts.events.announcements import Announcement, AnnouncementType, ChunkData
from shared.domain.clock import SystemClock
from shared.gateways.clients import Clients
from shared.gateways.topic import Topic
from shared.settings.settings import load_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")
EVENT = {"id": "1", "source": "https://x", "specversion": "1.0", "type": "Callvault.ChunkArchived", "data": {"a": 1}}


@dataclass(frozen=True)
class Reached:
    client: Any
    control: str | None

    async def taken(self) -> list[dict[str, Any]]:
        if self.control is None:
            return list(self.client.taken)
        async with aiohttp.ClientSession() as http, http.get(f"{self.control}/announcements") as answer:
            return [one["event"] for one in await answer.json()]

    async def send(
        self,
        body: bytes,
        *,
        method: str = "POST",
        path: str = "/api/events",
        version: str = "2018-01-01",
        kind: str = "application/cloudevents-batch+json",
    ) -> int:
        request = HttpRequest(
            method,
            self.client.format_url(path),
            params={"api-version": version},
            headers={"Content-Type": kind},
            content=body,
        )
        return int((await self.client.send_request(request)).status_code)


@pytest_asyncio.fixture(params=["memory", "simulator"], loop_scope="session")
async def topic(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reached]:
    if request.param == "memory":
        yield Reached(MemoryTopic(Account(SystemClock())), None)
        return
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    async with Simulator(Options(state=tmp_path, event_delay=0, oddities=False)) as simulator:
        clients = Clients(
            load_settings(
                AzureWebJobsStorage="UseDevelopmentStorage=true",
                acs_connection_string=simulator.connection_string,
                acs_local_gateway=simulator.tls,
                acs_local_ca=str(simulator.ca),
                announce_topic_endpoint=simulator.topic_endpoint,
                announce_topic_key=simulator.topic_key,
            )
        )
        yield Reached(clients.topic, simulator.control)
        await clients.close()


async def test_a_batch_is_taken_whole_and_in_its_order(topic: Reached):
    batch = [{**EVENT, "id": str(number)} for number in range(3)]
    assert await topic.send(json.dumps(batch).encode()) == 200
    assert await topic.taken() == batch


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[1]",
        json.dumps(EVENT).encode(),
        *(
            json.dumps([EVENT, {**EVENT, **changed}]).encode()
            for changed in (
                {"id": ""},
                {"source": None},
                {"type": 1},
                {"specversion": "0.3"},
                {"dataVersion": "1"},
                {"attempt": 1},
                {"time": "today"},
            )
        ),
    ],
)
async def test_a_batch_with_an_invalid_event_is_refused_whole(topic: Reached, body: bytes):
    assert await topic.send(body) == 400
    assert await topic.taken() == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"version": "2020-01-01"}, 400),
        ({"kind": "application/json"}, 400),
        ({"path": "/api/other"}, 404),
        ({"method": "PUT"}, 404),
    ],
)
async def test_another_request_is_refused(topic: Reached, changed: dict[str, str], status: int):
    assert await topic.send(json.dumps([EVENT]).encode(), **changed) == status
    assert await topic.taken() == []


async def test_what_the_product_announces_is_taken(topic: Reached):
    at = datetime.now(UTC)
    data = ChunkData(recording_key="r", document_id="d", index=0, started_at=at, event_time=at, deadline=at, attempts=1)
    announcements = [
        Announcement(
            type=AnnouncementType.CHUNK_ARCHIVED,
            source="https://x",
            id=f"{number:03d}",
            time=at,
            subject="s",
            data=data,
        )
        for number in range(150)
    ]
    await Topic(topic.client).publish(announcements)
    assert [one["id"] for one in await topic.taken()] == [one.id for one in announcements]
