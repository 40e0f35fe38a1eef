"""Azurite answers when its context is entered, keeps data after a restart, and can be provisioned repeatedly."""

import asyncio
from pathlib import Path

from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.stack import Azurite, Resources, provision
from local.stack import azurite as run_azurite
from tests.local.pids import gone

RESOURCES = Resources(queues=("jobs", "jobs-poison"), tables=("things",), containers=("archive",))


async def names(connection_string: str) -> Resources:
    async with (
        QueueServiceClient.from_connection_string(connection_string) as queues,
        TableServiceClient.from_connection_string(connection_string) as tables,
        BlobServiceClient.from_connection_string(connection_string) as blobs,
    ):
        return Resources(
            queues=tuple([queue.name async for queue in queues.list_queues()]),
            tables=tuple([table.name async for table in tables.list_tables()]),
            containers=tuple([container.name async for container in blobs.list_containers()]),
        )


async def test_provisioning_creates_everything_and_can_be_repeated(tmp_path: Path) -> None:
    async with run_azurite(tmp_path) as storage:
        await provision(storage.connection_string, RESOURCES)
        await provision(storage.connection_string, RESOURCES)
        assert await names(storage.connection_string) == RESOURCES


async def test_stored_data_survive_a_restart(tmp_path: Path) -> None:
    async with run_azurite(tmp_path) as first:
        await provision(first.connection_string, RESOURCES)
        async with BlobServiceClient.from_connection_string(first.connection_string) as blobs:
            await blobs.get_blob_client("archive", "kept").upload_blob(b"content")
    await gone(first.pid)
    async with run_azurite(tmp_path) as second:
        assert await names(second.connection_string) == RESOURCES
        async with BlobServiceClient.from_connection_string(second.connection_string) as blobs:
            kept = await blobs.get_blob_client("archive", "kept").download_blob()
            assert await kept.readall() == b"content"


async def test_several_run_at_the_same_time(azurite: Azurite, tmp_path: Path) -> None:
    async def started(directory: Path) -> set[str]:
        async with run_azurite(directory) as storage:
            return {storage.blob_url, storage.queue_url, storage.table_url}

    first, second = await asyncio.gather(started(tmp_path / "1"), started(tmp_path / "2"))
    assert len(first | second | {azurite.blob_url, azurite.queue_url, azurite.table_url}) == 9


def test_what_is_provisioned_follows_the_app_settings() -> None:
    default = Resources.named_by({})
    assert default.queues == ("recording-chunks", "recording-chunks-poison")
    assert default.containers == ("recordings", "quarantine", "deadletter")
    assert {"recordings", "worklist"} <= set(default.tables)
    own = Resources.named_by({"CHUNKS_QUEUE": "mine", "RECORDINGS_TABLE": "rows", "ACS_CONNECTION_STRING": "unused"})
    assert own.queues == ("mine", "mine-poison")
    assert "rows" in own.tables
    assert "recordings" not in own.tables
