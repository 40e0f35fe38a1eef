"""Queue output bindings: written after success and never without it, else work starts that has no record."""

import asyncio

import pytest
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from tests.local.host.queues import Queues, encoded, message_of
from tests.local.host.running import RunningHost
from tests.local.host.test_host_eventgrid import event


@pytest.fixture
def seen(shared_queues: Queues, storage: QueueServiceClient) -> QueueClient:
    return storage.get_queue_client(shared_queues.observed)


async def test_each_item_of_a_list_is_a_message(host: RunningHost, seen: QueueClient) -> None:
    assert (await host.ask("/api/send", "POST", json=["one", "two"])).status == 200
    sent = [encoded(text) for text in ("one", "two", "last")]
    contents = [(await message_of(seen, sent.__contains__)).content for _ in sent]
    assert sorted(contents) == sorted(sent)


async def test_a_returned_value_is_a_message_where_the_output_is_the_return(
    host: RunningHost, seen: QueueClient
) -> None:
    query = f"functionName=relay&code={host.system_key}"
    assert (await host.deliver([event("7")], query=query)).status == 202
    await message_of(seen, lambda content: content == encoded("relayed 7"))


async def test_nothing_is_written_by_a_function_that_fails(host: RunningHost, seen: QueueClient) -> None:
    assert (await host.ask("/api/send?fail=1", "POST", json=["of a failure"])).status == 500
    assert (await host.ask("/api/send", "POST", json=["of a success"])).status == 200
    first = await message_of(seen, (encoded("of a failure"), encoded("of a success")).__contains__)
    assert first.content == encoded("of a success")


async def test_a_write_that_fails_fails_the_invocation(host: RunningHost) -> None:
    assert (await host.ask("/api/send-wrong")).status == 500
    failures = [line for line in host.lines() if line["message"].startswith("failed: output out to queue Not_A_Queue")]
    assert failures[-1]["function"] == "send_wrong"


async def test_a_queue_that_is_not_there_is_made_for_what_is_written_to_it(
    host: RunningHost, seen: QueueClient
) -> None:
    await asyncio.gather(host.ask("/api/send", "POST", json=[]), host.ask("/api/send", "POST", json=[]))
    await message_of(seen)
    await seen.delete_queue()
    assert (await host.ask("/api/send", "POST", json=["again"])).status == 200
    await message_of(seen, lambda content: content == encoded("again"))
