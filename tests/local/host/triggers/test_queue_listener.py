"""The queue listener loses no message, retries as often as configured, and respects the concurrency limits."""

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from tests.local.host.queues import Queues, count_of, emptied, encoded, message_of, observed, shown
from tests.local.host.running import app_copy, running_host, until


@pytest.fixture
async def work(queues: Queues, storage: QueueServiceClient) -> QueueClient:
    return await storage.create_queue(queues.work)


@pytest.fixture
def seen(queues: Queues, storage: QueueServiceClient) -> QueueClient:
    return storage.get_queue_client(queues.observed)


async def test_a_function_gets_a_message_with_its_properties_and_the_message_is_deleted(
    tmp_path: Path, queues: Queues, work: QueueClient, seen: QueueClient
) -> None:
    sent = await work.send_message(encoded("plain"))
    async with running_host(tmp_path, settings=queues.settings):
        report = await observed(seen, body="plain")
        await emptied(work)
    assert (report["id"], report["count"]) == (sent.id, 1)
    assert report["receipt"]
    assert datetime.fromisoformat(report["inserted"]) == sent.inserted_on
    assert datetime.fromisoformat(report["expires"]) == sent.expires_on
    invisible = datetime.fromisoformat(report["visible"]) - datetime.fromisoformat(report["inserted"])
    assert timedelta(minutes=10) <= invisible < timedelta(minutes=11)


async def test_keys_of_a_json_body_override_the_properties(
    tmp_path: Path, queues: Queues, work: QueueClient, seen: QueueClient
) -> None:
    body = json.dumps({"id": "of the body", "dequeueCount": 40})
    await work.send_message(encoded(body))
    async with running_host(tmp_path, settings=queues.settings):
        report = await observed(seen, body=body)
    assert (report["id"], report["count"]) == ("of the body", 40)


async def test_a_failed_message_is_delivered_again_at_once_and_ends_in_the_poison_queue(
    tmp_path: Path, queues: Queues, work: QueueClient, storage: QueueServiceClient
) -> None:
    await work.send_message(encoded("fail always"))
    app = app_copy(tmp_path)
    async with running_host(
        tmp_path, app=app, settings=queues.settings | {"AzureWebJobs.on_poison.Disabled": "true"}
    ) as host:
        poison = storage.get_queue_client(f"{queues.work}-poison")
        moved = await message_of(poison)
        await emptied(work)
        assert moved.content == encoded("fail always")
        assert len(host.logged("received fail always")) == 2  # its maxDequeueCount
        assert len(host.logged("failed: RuntimeError: cannot take this message")) == 2


async def test_a_retry_waits_for_the_visibility_timeout(tmp_path: Path, queues: Queues, work: QueueClient) -> None:
    await work.send_message(encoded("fail twice"))
    app = app_copy(tmp_path, extensions={"queues": {"visibilityTimeout": "00:00:02", "maxPollingInterval": "00:00:01"}})
    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        first, second = await host.log_of("received fail twice", times=2)
    waited = datetime.fromisoformat(second["time"]) - datetime.fromisoformat(first["time"])
    assert waited >= timedelta(seconds=2)


async def test_a_message_received_too_often_goes_to_poison_without_a_call(
    tmp_path: Path, queues: Queues, work: QueueClient, storage: QueueServiceClient
) -> None:
    await work.send_message(encoded("worn out"))
    for _ in range(2):  # the app's maxDequeueCount, as if all workers had died
        await anext(aiter(work.receive_messages(visibility_timeout=1)))
        await shown(work)
    async with running_host(tmp_path, settings=queues.settings | {"AzureWebJobs.on_poison.Disabled": "1"}) as host:
        await message_of(storage.get_queue_client(f"{queues.work}-poison"))
        assert not host.logged("received worn out")


async def test_a_body_that_is_not_base64_goes_to_poison_as_it_is(
    tmp_path: Path, queues: Queues, work: QueueClient, storage: QueueServiceClient
) -> None:
    await work.send_message("not base64!")
    async with running_host(tmp_path, settings=queues.settings | {"AzureWebJobs.on_poison.Disabled": "true"}):
        moved = await message_of(storage.get_queue_client(f"{queues.work}-poison"))
        await emptied(work)
    assert moved.content == "not base64!"


@pytest.mark.parametrize("body", ['{"plain": "JSON"}', base64.urlsafe_b64encode(b"\xfb\xff" * 3).decode(), "YQ"])
async def test_what_only_looks_like_base64_goes_to_poison_as_it_is(
    tmp_path: Path, queues: Queues, work: QueueClient, storage: QueueServiceClient, body: str
) -> None:
    await work.send_message(body)
    async with running_host(tmp_path, settings=queues.settings) as host:
        poison = storage.get_queue_client(f"{queues.work}-poison")
        await host.log_of("a message that isn't base64", times=2)  # the listener of the poison queue receives it, too
        assert await count_of(poison) == 1
        assert not host.logged("executing", function="on_message")
        assert not host.logged("executing", function="on_poison"), "it is never handed to a function"


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"DequeueCount": "many"}', b'{"dequeuecount": true}'])
async def test_a_body_that_the_host_can_not_decode_goes_to_poison_and_no_function_gets_it(
    tmp_path: Path, queues: Queues, work: QueueClient, storage: QueueServiceClient, body: bytes
) -> None:
    await work.send_message(base64.b64encode(body).decode())
    async with running_host(tmp_path, settings=queues.settings) as host:
        await host.log_of(f"message moved to {queues.work}-poison")
        failed = [line for line in host.lines() if line["message"].startswith("failed: the body")]
        assert len([line for line in failed if line["function"] == "on_message"]) == 2  # its maxDequeueCount
        await until(lambda: [line for line in host.lines() if line.get("function") == "on_poison"] or None)
        assert not host.logged("executing", function="on_message")
        assert not host.logged("executing", function="on_poison")
        assert await count_of(storage.get_queue_client(f"{queues.work}-poison")) == 1


@pytest.mark.parametrize("body", ["plain text", '{"DequeueCount": "many"}', "YQ==", "not base64!"])
async def test_without_message_encoding_functions_get_every_body_unchanged(
    tmp_path: Path, queues: Queues, work: QueueClient, seen: QueueClient, body: str
) -> None:
    await work.send_message(body)
    app = app_copy(tmp_path, extensions={"queues": {"messageEncoding": "none", "maxPollingInterval": "00:00:01"}})
    async with running_host(tmp_path, app=app, settings=queues.settings):
        report = json.loads((await message_of(seen)).content)
    assert (report["body"], report["count"]) == (body, 1)


async def test_a_drained_host_receives_no_more_messages_and_still_answers_requests(
    tmp_path: Path, queues: Queues, work: QueueClient, seen: QueueClient
) -> None:
    await work.send_message(encoded("slow"))
    async with running_host(tmp_path, settings=queues.settings) as host:
        await host.log_of("received slow")
        key = {"x-functions-key": host.master_key}
        assert (await host.ask("/admin/host/drain", "POST", headers=key)).status == 202
        await host.log_of("stopped receiving")
        await work.send_message(encoded("too late"))
        await observed(seen, body="slow")
        assert (await host.ask("/api/pid")).status == 200
        assert (await host.deliver([])).status == 202
        assert not host.logged("received too late")
    assert [message.content for message in await work.peek_messages()] == [encoded("too late")]


async def test_a_host_with_storage_patience_stops_with_0_if_storage_is_unreachable(
    tmp_path: Path, queues: Queues
) -> None:
    away = "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;AccountName=devstoreaccount1;AccountKey=a2V5"
    settings = queues.settings | {"QUEUES": away}
    async with running_host(tmp_path, "--storage-patience", "1", settings=settings) as host:
        assert await host.child.ended() == 0
        assert any(line["message"].startswith("the host stops: storage of queue") for line in host.lines())


async def test_the_lease_of_a_long_function_is_renewed(
    tmp_path: Path, queues: Queues, work: QueueClient, seen: QueueClient
) -> None:
    await work.send_message(encoded("very slow"))  # takes six seconds; the lease is renewed every two
    async with running_host(tmp_path, "--queue-visibility", "4", "--workers", "2", settings=queues.settings) as host:
        await observed(seen, body="very slow", count=1)
        await emptied(work)
        assert len(host.logged("received very slow")) == 1


async def test_no_more_messages_are_in_flight_than_a_batch_and_its_threshold(
    tmp_path: Path, queues: Queues, work: QueueClient
) -> None:
    for number in range(5):
        await work.send_message(encoded(f"hang {number}"))
    app = app_copy(tmp_path, extensions={"queues": {"batchSize": 1, "newBatchThreshold": 1}})
    settings = queues.settings | {"SCHEDULE": "* * * * * *"}
    async with running_host(tmp_path, "--grace", "0", app=app, settings=settings) as host:
        await host.log_of("executing", times=2, function="on_message")
        # Enough time for many polls.
        await host.log_of("tick", times=len(host.logged("tick")) + 2)
        assert len(await work.peek_messages(max_messages=10)) == 3
        assert len(host.logged("executing", function="on_message")) == 2


async def test_a_missing_queue_is_logged_once_and_served_when_it_is_created(
    tmp_path: Path, queues: Queues, storage: QueueServiceClient
) -> None:
    async with running_host(tmp_path, settings=queues.settings) as host:
        await host.log_of(f"there is no queue {queues.work}")
        work = await storage.create_queue(queues.work)
        await work.send_message(encoded("late"))
        await observed(storage.get_queue_client(queues.observed), body="late")
        assert len(host.logged(f"there is no queue {queues.work}")) == 1


async def test_a_failed_message_of_a_poison_queue_returns_when_its_lease_expires(
    tmp_path: Path, queues: Queues, storage: QueueServiceClient
) -> None:
    poison = await storage.create_queue(f"{queues.work}-poison")
    await poison.send_message(encoded("toxic"))
    async with running_host(tmp_path, "--queue-visibility", "2", settings=queues.settings) as host:
        first, second = (await host.log_of("poison toxic", times=2))[:2]
        waited = datetime.fromisoformat(second["time"]) - datetime.fromisoformat(first["time"])
        assert waited >= timedelta(seconds=1)
        # Received too often, it is neither moved nor deleted: a poison queue has no poison queue.
        assert await count_of(poison) == 1
        assert not [q async for q in storage.list_queues(name_starts_with=f"{queues.work}-poison-")]


async def test_instances_share_a_queue(tmp_path: Path, queues: Queues, work: QueueClient, seen: QueueClient) -> None:
    app = app_copy(tmp_path, extensions={"queues": {"batchSize": 1, "newBatchThreshold": 0}})
    for number in range(2):
        await work.send_message(encoded(f"slow {number}"))
    async with running_host(tmp_path, "--workers", "2", app=app, settings=queues.settings) as host:
        pids = {(await observed(seen))["pid"] for _ in range(2)}
        assert pids == set(host.workers)
