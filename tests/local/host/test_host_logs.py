"""What the app logs comes out of the host line by line, with the invocation it belongs to."""

from tests.local.host.running import RunningHost


async def test_a_record_of_an_async_function_carries_its_fields_and_its_invocation(host: RunningHost) -> None:
    await host.ask("/api/log")
    line = (await host.log_of("from async"))[-1]
    assert (line["level"], line["logger"], line["function"]) == ("WARNING", "app.async", "log")
    assert line["extra"] == {"action": "told", "size": 7}
    assert host.logged("executing", invocation=line["invocation"], function="log")


async def test_a_record_from_a_thread_of_a_function_carries_its_invocation(host: RunningHost) -> None:
    await host.ask("/api/log")
    assert (await host.log_of("from a thread"))[-1]["function"] == "log"


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
