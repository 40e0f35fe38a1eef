"""A host that stops, as at every deployment, doesn't return its messages. The sweep must continue its chunks.

Times are a twentieth of production's: there a lease is 45 seconds, and the sweep runs every minute.
"""

import asyncio
import os
import signal
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from azure.storage.queue.aio import QueueClient

from local.stack import Resources, provision
from tests.acceptance.conftest import Deployment, until
from tests.local.host.running import RunningHost, running_host

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT = Path(__file__).parents[2]
TWO_MINUTES = 120 / 20


def settings_of(deployment: Deployment) -> dict[str, str]:
    """Settings of separate hosts, with their own names in storage."""
    name = f"stopped{uuid.uuid4().hex[:8]}"
    tables = ("RECORDINGS", "WORKLIST", "LINKS", "REQUESTS", "CALENDAR", "PARTICIPANTS")
    containers = ("ARCHIVE", "QUARANTINE", "DEADLETTER")
    return {
        **{f"{table}_TABLE": f"{name}{table.lower()}" for table in tables},
        **{f"{container}_CONTAINER": f"{name}-{container.lower()}" for container in containers},
        "CHUNKS_QUEUE": name,
        "AzureWebJobsStorage": deployment.where.storage_connection_string,
        "AzureFunctionsWebHost__hostid": name,
        "ACS_CONNECTION_STRING": deployment.where.acs_connection_string,
        "ACS_LOCAL_GATEWAY": deployment.where.acs_tls,
        "ACS_LOCAL_CA": deployment.where.acs_ca,
        "LEASE_SECONDS": "2.25",
        "SWEEP_GRACE_SECONDS": "4.5",
        "RETRY_BASE_SECONDS": "0.5",
    }


async def state_of(host: RunningHost, recording_id: str) -> str | None:
    key = {"x-functions-key": host.functions_key}
    answer = await host.ask(f"/api/recordings/{quote(recording_id, safe='')}", headers=key)
    chunks = answer.json().get("chunks") or [{}]
    state: str | None = chunks[0].get("state")
    return state


async def swept(host: RunningHost) -> None:
    body = {"input": ""}
    key = {"x-functions-key": host.master_key}
    assert (await host.ask("/admin/functions/sweep", "POST", json=body, headers=key)).status == 202


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_a_chunk_of_a_stopped_host_is_continued_by_another_host_within_two_minutes(
    deployment: Deployment, tmp_path: Path, number: int
):
    settings = settings_of(deployment)
    await provision(settings["AzureWebJobsStorage"], Resources.named_by(settings))
    made: dict[str, Any] = await deployment.acs("POST", "/documents", size=50_000, announce=False)
    document_id, recording_id = made["chunks"][0]["documentId"], made["recordingId"]
    fault = {"operation": "download", "kind": "slow", "documentId": document_id, "bytesPerSecond": 100}
    slow = await deployment.acs("POST", "/faults", times=0, **fault)
    (tmp_path / "first").mkdir()
    async with running_host(tmp_path / "first", "--grace", "0.5", app=CHECKOUT, settings=settings) as first:
        query = f"functionName=on_recording_event&code={first.system_key}"
        assert (await first.deliver([made["event"]], query=query)).status == 202

        async def is_copying() -> bool:
            return await state_of(first, recording_id) == "copying"

        await until(is_copying)
        os.kill(first.pid, number)
        await first.child.ended()
    await deployment.acs("DELETE", f"/faults/{slow['id']}")
    async with QueueClient.from_connection_string(settings["AzureWebJobsStorage"], settings["CHUNKS_QUEUE"]) as queue:
        assert not await queue.peek_messages(), "the message is invisible"
        (tmp_path / "second").mkdir()
        async with running_host(tmp_path / "second", app=CHECKOUT, settings=settings) as second:
            async with asyncio.timeout(TWO_MINUTES * 5):  # a busy machine starts workers slowly

                async def is_released() -> bool:
                    await swept(second)
                    return await state_of(second, recording_id) == "released"

                await until(is_released)

            async def only_the_first_message_is_left() -> bool:
                return (await queue.get_queue_properties()).approximate_message_count == 1

            await until(only_the_first_message_is_left)
        assert not await queue.peek_messages(), "the host never returned the message"
