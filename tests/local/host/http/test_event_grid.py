"""The Event Grid webhook answers as the real one, so Event Grid retries the same deliveries."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.storage.queue.aio import QueueServiceClient

from tests.local.host.queues import Queues, observed
from tests.local.host.running import RunningHost


def event(number: str, **data: Any) -> dict[str, Any]:
    time = "2026-11-21T10:00:00.1234567Z"
    return {"id": number, "eventType": "T", "subject": "s", "eventTime": time, "dataVersion": "1", "data": data}


async def test_a_subscription_is_validated(host: RunningHost) -> None:
    answer = await host.deliver([event("1", validationCode="512d38b6")], kind="SubscriptionValidation")
    assert (answer.status, answer.json()) == (200, {"validationResponse": "512d38b6"})
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_every_event_of_a_delivery_is_an_invocation(
    host: RunningHost, shared_queues: Queues, storage: QueueServiceClient
) -> None:
    answer = await host.deliver([event("one", k=1), event("two", k=2)])
    assert answer.status == 202
    queue = storage.get_queue_client(shared_queues.observed)
    seen = {(await observed(queue, type="T"))["event"] for _ in range(2)}
    assert seen == {"one", "two"}


async def test_a_single_event_without_an_array_is_accepted(host: RunningHost) -> None:
    assert (await host.deliver(event("alone"))).status == 202


async def test_one_failure_fails_the_whole_delivery(host: RunningHost) -> None:
    answer = await host.deliver([event("good"), event("bad", fail=True)])
    assert (answer.status, answer.body) == (500, b"Exception while executing function: Functions.on_event")


async def test_an_unsubscribe_is_accepted(host: RunningHost) -> None:
    assert (await host.deliver([], kind="Unsubscribe")).status == 202


async def test_the_handshake_of_cloud_events_is_answered(host: RunningHost) -> None:
    answer = await host.ask(
        f"/runtime/webhooks/eventgrid?functionName=on_event&code={host.system_key}",
        "OPTIONS",
        headers={"WebHook-Request-Origin": "eventgrid.azure.net"},
    )
    assert (answer.status, answer.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@pytest.mark.parametrize("body", [b"no json", b"[1]", b'"text"', b"\xff", b"null", b"", b'[{"id": "cut'])
async def test_a_body_without_events_is_a_500_so_event_grid_repeats_it(host: RunningHost, body: bytes) -> None:
    path = f"/runtime/webhooks/EventGrid?functionName=on_event&code={host.system_key}"
    for kind in ("Notification", "SubscriptionValidation"):
        assert (await host.ask(path, "POST", data=body, headers={"aeg-event-type": kind})).status == 500


async def test_a_validation_without_its_code_is_a_500(host: RunningHost) -> None:
    assert (await host.deliver([event("1")], kind="SubscriptionValidation")).status == 500


async def test_a_put_counts_as_a_post_and_a_body_may_come_in_chunks(host: RunningHost) -> None:
    path = f"/runtime/webhooks/EventGrid?functionName=on_event&code={host.system_key}"

    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps([event("put")]).encode()

    before = len(host.logged("succeeded", function="on_event"))
    headers = {"aeg-event-type": "Notification"}
    assert (await host.ask(path, "PUT", data=pieces(), headers=headers)).status == 202
    await host.log_of("succeeded", function="on_event", times=before + 1)


async def test_an_unknown_kind_of_delivery_is_refused(host: RunningHost) -> None:
    assert (await host.deliver([], kind="Other")).status == 400


@pytest.mark.parametrize("name", ["nothing", "echo", ""])
async def test_only_functions_with_an_event_grid_trigger_are_found(host: RunningHost, name: str) -> None:
    answer = await host.deliver([], query=f"functionName={name}&code={host.system_key}")
    assert answer.status == 404


async def test_the_name_of_the_function_is_case_sensitive(host: RunningHost) -> None:
    assert (await host.deliver([], query=f"functionName=ON_EVENT&code={host.system_key}")).status == 404


async def test_other_webhooks_refuse_every_key_and_are_not_missing(host: RunningHost) -> None:
    path = "/runtime/webhooks/durabletask/instances"
    assert (await host.ask(path)).status == 401
    for key in (host.system_key, host.functions_key):
        assert (await host.ask(f"{path}?code={key}")).status == 403


async def test_only_the_system_key_and_the_master_key_open_the_webhook(host: RunningHost) -> None:
    name = "functionName=on_event"
    refused = await host.deliver([], query=name)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await host.deliver([], query=f"{name}&code=wrong")).status == 401
    assert (await host.deliver([], query=f"{name}&code={host.functions_key}")).status == 403
    assert (await host.deliver([], query=f"{name}&code={host.master_key}")).status == 202
    assert (await host.deliver([], query=name, headers={"x-functions-key": host.system_key})).status == 202
