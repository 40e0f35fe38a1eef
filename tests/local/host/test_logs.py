"""The host writes the app's log lines, each with its invocation."""

import pytest

from tests.local.host.running import RunningHost


async def test_a_record_of_an_async_function_carries_its_fields_and_its_invocation(host: RunningHost) -> None:
    await host.ask("/api/log")
    line = (await host.log_of("from async"))[-1]
    assert (line["level"], line["logger"], line["function"]) == ("WARNING", "app.async", "log")
    assert line["extra"] == {"action": "told", "size": 7}
    assert host.logged("executing", invocation=line["invocation"], function="log")


@pytest.mark.parametrize(
    ("path", "message", "why"),
    [
        ("log", "from a thread", "thread"),
        ("log-late", "after the invocation", "invocation has ended"),
        ("log-late", "from a deaf logger", "logger"),
        ("log", "at import", "no invocation"),
    ],
)
async def test_a_record_that_the_real_worker_loses_is_marked(
    host: RunningHost, path: str, message: str, why: str
) -> None:
    await host.ask(f"/api/{path}")
    assert (await host.log_of(message))[-1]["lost"] == why


async def test_a_record_inside_an_invocation_is_not_marked(host: RunningHost) -> None:
    await host.ask("/api/log")
    await host.ask("/api/log-sync")
    for message in ("from async", "from sync"):
        assert "lost" not in (await host.log_of(message))[-1]


async def test_a_record_of_a_sync_function_carries_its_invocation(host: RunningHost) -> None:
    await host.ask("/api/log-sync")
    line = (await host.log_of("from sync"))[-1]
    assert line["function"] == "log_sync"
    assert host.logged("executing", invocation=line["invocation"])


async def test_what_the_app_prints_is_logged(host: RunningHost) -> None:
    await host.ask("/api/log")
    assert (await host.log_of("printed words"))[-1]["logger"] == "stdout"


async def test_an_exception_is_logged_with_its_traceback(host: RunningHost) -> None:
    await host.ask("/api/broken")
    line = (await host.log_of("failed: ValueError: secret of the app"))[-1]
    assert (line["level"], line["function"]) == ("ERROR", "broken")
    assert 'raise ValueError("secret of the app")' in line["exception"]


async def test_no_key_is_ever_logged(host: RunningHost) -> None:
    await host.ask(f"/api/echo/1?code={host.functions_key}")
    await host.deliver([])
    log = host.child.log.read_text()
    assert not [key for key in (host.functions_key, host.system_key, host.master_key) if key in log]
