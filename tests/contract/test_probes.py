"""What the doctor does with storage, and what tests do to it."""

import contextlib
import functools
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import StandardBlobTier

from shared.domain.random_source import RandomSource
from shared.errors import DestinationUnavailable
from shared.gateways.probes import Account, Probes
from tests.contract.conftest import Storage, code_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextlib.asynccontextmanager
async def probes(storage: Storage) -> AsyncIterator[Probes]:
    async with storage.queues() as queues:
        yield Probes(
            queues=queues,
            tables=storage.tables,
            host=storage.blobs,
            archive=storage.blobs,
            random_source=RandomSource(),
        )


async def test_a_probe_writes_and_leaves_nothing_behind(storage: Storage):
    async with probes(storage) as doctor:
        await doctor.queue(storage.queue.queue_name)
        assert await doctor.table(storage.table.table_name)
        found = await doctor.container(Account.ARCHIVE, storage.container.container_name)
        assert (found.is_public, found.is_immutable) == (False, False)
    assert (await storage.queue.get_queue_properties()).approximate_message_count == 0
    assert [row async for row in storage.table.list_entities()] == []
    assert [blob async for blob in storage.container.list_blobs(include=["uncommittedblobs"])] == []


async def test_a_probe_of_a_missing_part_is_refused(storage: Storage):
    async with probes(storage) as doctor:
        for probe in (doctor.queue, doctor.table, functools.partial(doctor.container, Account.HOST)):
            with pytest.raises(DestinationUnavailable, match="missing"):
                await probe(f"nowhere{storage.mark}")


async def test_the_account_s_time_is_read_even_if_the_container_is_public(storage: Storage):
    await storage.container.set_container_access_policy({}, public_access="container")
    async with probes(storage) as doctor:
        assert (await doctor.container(Account.ARCHIVE, storage.container.container_name)).is_public
        assert (await doctor.time(storage.container.container_name)).tzinfo is not None


async def test_staged_blobs_are_in_a_listing_that_asks_for_them(storage: Storage):
    await storage.container.get_blob_client("staged").stage_block("00001", b"one")
    await storage.container.upload_blob("whole", b"two")
    assert [blob.name async for blob in storage.container.list_blobs()] == ["whole"]
    both = [blob.name async for blob in storage.container.list_blobs(include=["uncommittedblobs"])]
    assert both == ["staged", "whole"]


async def test_an_archived_blob_can_be_listed_but_not_read(storage: Storage):
    blob = await storage.container.upload_blob("cold", b"data")
    assert await blob.exists()
    assert not await storage.container.get_blob_client("nowhere").exists()
    await blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    assert (await blob.get_blob_properties()).blob_tier == "Archive"
    with pytest.raises(HttpResponseError) as caught:
        await blob.download_blob()
    assert (caught.value.status_code, code_of(caught.value)) == (409, "BlobArchived")


async def test_tables_containers_and_queues_are_created_once(storage: Storage):
    with pytest.raises(ResourceExistsError) as table:
        await storage.tables.create_table(storage.table.table_name)
    await storage.tables.create_table_if_not_exists(storage.table.table_name)
    with pytest.raises(ResourceExistsError) as container:
        await storage.container.create_container()
    with pytest.raises(ResourceExistsError) as queue:
        await storage.queue.create_queue()
    codes = [code_of(one.value) for one in (table, container, queue)]
    assert codes == ["TableAlreadyExists", "ContainerAlreadyExists", "QueueAlreadyExists"]


async def test_what_is_deleted_is_absent(storage: Storage):
    await storage.table.delete_table()
    await storage.table.delete_table()  # raises nothing
    with pytest.raises(HttpResponseError) as table:
        [row async for row in storage.table.list_entities()]
    await storage.container.delete_container()
    with pytest.raises(ResourceNotFoundError) as container:
        await storage.container.upload_blob("file", b"")
    await storage.queue.delete_queue()
    with pytest.raises(ResourceNotFoundError) as queue:
        await storage.queue.send_message("text")
    codes = [code_of(one.value) for one in (table, container, queue)]
    assert codes == ["TableNotFound", "ContainerNotFound", "QueueNotFound"]
