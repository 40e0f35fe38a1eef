"""The admin endpoints, which tools poll and operators use to start functions."""

import json

import pytest
from azure.storage.queue.aio import QueueServiceClient

from tests.local.host.queues import Queues, observed
from tests.local.host.running import Answer, RunningHost


async def ask(host: RunningHost, path: str, method: str = "GET", key: str | None = None, body: bytes = b"") -> Answer:
    return await host.ask(f"/admin/{path}", method, headers={"x-functions-key": key or host.master_key}, data=body)


async def test_the_status_says_running_and_which_functions(host: RunningHost) -> None:
    status = (await ask(host, "host/status")).json()
    assert status["state"] == "Running"
    assert {"echo", "on_event", "on_message", "tick"} <= set(status["functions"])


async def test_a_ping_answers_anyone(host: RunningHost) -> None:
    for method in ("GET", "POST"):
        assert (await host.ask("/admin/host/ping", method)).status == 200


async def test_functions_are_listed_with_their_bindings_and_urls(host: RunningHost) -> None:
    found = {function["name"]: function for function in (await ask(host, "functions")).json()}
    assert found["echo"]["invoke_url_template"] == f"{host.url}/api/echo/{{id}}"
    assert found["on_message"]["config"]["bindings"][-1]["type"] == "queueTrigger"
    assert (await ask(host, "functions/echo")).json() == found["echo"]


async def test_a_timer_is_started_by_hand(host: RunningHost) -> None:
    before = len(host.logged("tick"))
    assert (await ask(host, "functions/tick", "POST", body=b'{"input": ""}')).status == 202
    await host.log_of("tick", times=before + 1)


async def test_a_queue_function_is_started_by_hand_with_its_message(
    host: RunningHost, shared_queues: Queues, storage: QueueServiceClient
) -> None:
    answer = await ask(host, "functions/on_message", "POST", body=json.dumps({"input": "by hand"}).encode())
    assert answer.status == 202
    report = await observed(storage.get_queue_client(shared_queues.observed), body="by hand")
    assert report["count"] == 1


async def test_an_event_grid_function_is_started_by_hand_with_its_event(
    host: RunningHost, shared_queues: Queues, storage: QueueServiceClient
) -> None:
    event = {"id": "hand", "eventType": "T", "subject": "s", "eventTime": "2026-11-21T10:00:00Z", "data": {}}
    body = json.dumps({"input": json.dumps(event)}).encode()
    assert (await ask(host, "functions/on_event", "POST", body=body)).status == 202
    await observed(storage.get_queue_client(shared_queues.observed), event="hand")


async def test_an_http_function_is_started_by_hand(host: RunningHost) -> None:
    before = len(host.logged("from sync"))
    assert (await ask(host, "functions/log_sync", "POST", body=b'{"input": ""}')).status == 202
    await host.log_of("from sync", times=before + 1)


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"input": "no event"}', b'{"input": {}}'])
async def test_an_invalid_input_is_refused(host: RunningHost, body: bytes) -> None:
    assert (await ask(host, "functions/on_event", "POST", body=body)).status == 400


async def test_an_unknown_endpoint_is_not_found(host: RunningHost) -> None:
    assert (await ask(host, "functions/nothing", "POST")).status == 404
    assert (await ask(host, "nothing")).status == 404
    assert (await host.ask("/admin/nothing")).status == 404


async def test_only_the_master_key_is_accepted(host: RunningHost) -> None:
    refused = await host.ask("/admin/host/status")
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await ask(host, "host/status", key="wrong")).status == 401
    assert (await ask(host, "host/status", key=host.functions_key)).status == 403
    assert (await ask(host, "host/status", key=host.system_key)).status == 403
