"""Where Azurite 3.37 is more lenient than Azure, memory follows Azure. These tests run on memory alone."""

import random

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableTransactionError

from local.memory.clock import HandClock
from local.memory.storage.account import Account
from local.memory.storage.containers import MemoryContainerClient
from local.memory.storage.queues import MemoryQueueClient
from local.memory.storage.tables import MemoryTableClient
from tests.contract.conftest import code_of
from tests.contract.test_tables import entity


@pytest.fixture
def account() -> Account:
    return Account(HandClock(), random.Random(1))


@pytest.fixture
async def table(account: Account) -> MemoryTableClient:
    made = MemoryTableClient(account, "table")
    await made.create_table()
    return made


async def test_an_entity_has_a_megabyte_at_most(table: MemoryTableClient):
    many = {f"text{number}": "x" * 32 * 1024 for number in range(17)}
    with pytest.raises(HttpResponseError) as caught:
        await table.upsert_entity(entity(**many))
    assert (caught.value.status_code, code_of(caught.value)) == (400, "EntityTooLarge")


async def test_a_transaction_has_a_hundred_operations_at_most(table: MemoryTableClient):
    operations = [("create", entity(f"{number:03d}")) for number in range(101)]
    with pytest.raises(TableTransactionError) as caught:
        await table.submit_transaction(operations)
    assert (caught.value.status_code, code_of(caught.value)) == (400, "InvalidInput")
    await table.submit_transaction(operations[:100])


async def test_keys_have_no_slashes(table: MemoryTableClient):
    with pytest.raises(HttpResponseError) as caught:
        await table.create_entity(entity("a/b"))
    assert caught.value.status_code == 400


async def test_a_range_behind_the_end_is_refused(account: Account):
    container = MemoryContainerClient(account, "container")
    await container.create_container()
    await container.upload_blob("file", b"0123456789")
    with pytest.raises(HttpResponseError) as caught:
        await container.download_blob("file", offset=10, length=1)
    assert (caught.value.status_code, code_of(caught.value)) == (416, "InvalidRange")


async def test_a_message_that_was_taken_and_not_deleted_comes_back_when_its_time_is_over(account: Account):
    clock = account.clock
    assert isinstance(clock, HandClock)
    queue = MemoryQueueClient(account, "queue")
    await queue.create_queue()
    await queue.send_message("job", time_to_live=3600)
    taken = await queue.receive_message(visibility_timeout=60)
    assert taken is not None
    clock.forward(seconds=59)
    assert await queue.receive_message() is None
    clock.forward(seconds=1)
    again = await queue.receive_message(visibility_timeout=60)
    assert (again and again.dequeue_count) == 2
    clock.forward(hours=1)
    assert (await queue.get_queue_properties()).approximate_message_count == 0, "its time to live is over"


async def test_a_parameter_that_memory_does_not_implement_is_no_silent_success(table: MemoryTableClient):
    with pytest.raises(TypeError, match="timeout"):
        await table.create_entity(entity(), timeout=5)


async def test_one_seed_gives_one_run():
    async def versions(seed: int) -> list[str]:
        made = MemoryTableClient(Account(HandClock(), random.Random(seed)), "table")
        await made.create_table()
        return [(await made.upsert_entity(entity()))["etag"] for _ in range(3)]

    assert await versions(1) == await versions(1) != await versions(2)
