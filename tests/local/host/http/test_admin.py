"""The admin endpoints, which tools poll and operators use to start functions."""

import pytest

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


async def test_only_timers_are_started_by_hand(host: RunningHost) -> None:
    for name in ("on_message", "on_event", "log_sync"):
        assert (await ask(host, f"functions/{name}", "POST", body=b'{"input": ""}')).status == 400


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"input": {}}'])
async def test_an_invalid_input_is_refused(host: RunningHost, body: bytes) -> None:
    assert (await ask(host, "functions/tick", "POST", body=body)).status == 400


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
