"""Each fault of the storage proxy does what its name says. Otherwise the schedules would prove less than claimed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from azure.core.exceptions import AzureError, HttpResponseError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.faults.injection.storage_faults import Rule, StorageFault, StorageFaults
from local.faults.injection.storage_proxy import StorageProxy
from local.stack import Resources, provision
from local.stack import azurite as run_azurite

pytestmark = pytest.mark.asyncio(loop_scope="module")
RESOURCES = Resources(queues=("jobs",), tables=("things",), containers=("files",))
ROW = {"PartitionKey": "p", "RowKey": "r"}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="storage")
async def storage_fixture(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with run_azurite(tmp_path_factory.mktemp("azurite")) as storage:
        await provision(storage.connection_string, RESOURCES)
        yield storage.connection_string


@asynccontextmanager
async def faulty(storage: str, fault: StorageFault, seconds: float = 0.0) -> AsyncIterator[str]:
    """A connection string through a proxy that applies a fault to every request."""
    rule = Rule(fault=fault, begins=0, ends=600, seconds=seconds)
    storage_faults = StorageFaults([rule], random.Random(0))
    async with StorageProxy(storage, storage_faults).running() as proxied:
        storage_faults.begin()
        yield proxied


async def stored(storage: str, name: str) -> bool:
    async with BlobServiceClient.from_connection_string(storage) as blobs:
        return await blobs.get_blob_client("files", name).exists()


async def store(proxied: str, name: str) -> None:
    async with BlobServiceClient.from_connection_string(proxied, retry_total=0) as blobs:
        await blobs.get_blob_client("files", name).upload_blob(b"bytes")


@pytest.mark.parametrize("fault", [StorageFault.LOST_ANSWER, StorageFault.ERROR_AFTER, StorageFault.BUSY_AFTER])
async def test_a_write_is_carried_out_though_its_answer_says_otherwise(storage: str, fault: StorageFault):
    async with faulty(storage, fault) as proxied:
        with pytest.raises(AzureError):
            await store(proxied, fault.name)
    assert await stored(storage, fault.name)


@pytest.mark.parametrize(("fault", "status"), [(StorageFault.BUSY, 503), (StorageFault.FULL, 507)])
async def test_a_refused_write_is_not_carried_out(storage: str, fault: StorageFault, status: int):
    async with faulty(storage, fault) as proxied:
        with pytest.raises(HttpResponseError) as refused:
            await store(proxied, fault.name)
        assert refused.value.status_code == status
    assert not await stored(storage, fault.name)


async def test_an_outage_cuts_reads_and_writes(storage: str):
    async with (
        faulty(storage, StorageFault.OUTAGE) as proxied,
        TableServiceClient.from_connection_string(proxied, retry_total=0) as tables,
    ):
        with pytest.raises(AzureError):
            await tables.get_table_client("things").get_entity("p", "r")
        with pytest.raises(AzureError):
            await tables.get_table_client("things").upsert_entity(ROW)


async def test_a_late_write_comes_after_its_failure(storage: str):
    async with faulty(storage, StorageFault.LATE, 0.3) as proxied:
        with pytest.raises(AzureError):
            await store(proxied, "late")
        assert not await stored(storage, "late")
        async with asyncio.timeout(10):
            while not await stored(storage, "late"):  # noqa: ASYNC110 - only storage knows
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(("fault", "number"), [(StorageFault.MESSAGE_LOST, 0), (StorageFault.MESSAGE_TWICE, 2)])
async def test_a_queued_message_is_lost_or_comes_twice(storage: str, fault: StorageFault, number: int):
    async with faulty(storage, fault) as proxied, QueueServiceClient.from_connection_string(proxied) as queues:
        await queues.get_queue_client("jobs").send_message("job")
    async with QueueServiceClient.from_connection_string(storage) as queues:
        queue = queues.get_queue_client("jobs")
        assert (await queue.get_queue_properties()).approximate_message_count == number
        await queue.clear_messages()


async def test_without_a_rule_everything_passes_as_it_is(storage: str):
    async with StorageProxy(storage, StorageFaults([], random.Random(0))).running() as proxied:
        async with BlobServiceClient.from_connection_string(proxied) as blobs:
            blob = blobs.get_blob_client("files", "2026/11/a name with spaces & more.wav")
            await blob.upload_blob(b"", metadata={"documentid": "0-eus-d1-a%2Fb"})
            assert (await blob.get_blob_properties()).metadata == {"documentid": "0-eus-d1-a%2Fb"}
            assert await (await blob.download_blob()).readall() == b""
        async with TableServiceClient.from_connection_string(proxied) as tables:
            table = tables.get_table_client("things")
            await table.upsert_entity(ROW | {"text": "ä"})
            assert [row["text"] async for row in table.query_entities("PartitionKey eq 'p'")] == ["ä"]
