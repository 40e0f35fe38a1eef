"""Start and stop: errors are reported in a sentence, and no process or file is left behind."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import pytest
from azure.storage.queue.aio import QueueServiceClient

from tests.local.host.queues import Queues, count_of, encoded, shown
from tests.local.host.running import app_copy, failing_start, running_host, until
from tests.local.pids import alive

APP = "import azure.functions as func\napp = func.FunctionApp()\n"
ON_MESSAGE = "def f(m: func.QueueMessage) -> None: ..."


def app_with(directory: Path, code: str) -> Path:
    app = directory / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(code)
    return app


async def test_the_ready_file_says_how_to_reach_the_host(tmp_path: Path, queues: Queues) -> None:
    keys = ("--function-key", "f", "--system-key", "s", "--master-key", "m")
    async with running_host(tmp_path, *keys, settings=queues.settings) as host:
        content = json.loads(host.ready.read_text())
        assert set(content) == {"functions", "functionsKey", "systemKey", "masterKey", "pid", "workers"}
        assert (content["functionsKey"], content["systemKey"], content["masterKey"]) == ("f", "s", "m")
        assert content["pid"] == host.child.pid
        assert alive(*content["workers"])
        assert (await host.ask("/api/pid")).status == 200


async def test_keys_are_random_unless_given(tmp_path: Path, queues: Queues) -> None:
    found = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        async with running_host(tmp_path / run, settings=queues.settings) as host:
            found += [host.functions_key, host.system_key, host.master_key]
    assert len(set(found)) == 6


async def test_without_auth_requests_need_no_key(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, "--no-auth", settings=queues.settings) as host:
        assert (await host.ask("/api/guarded")).status == 200
        assert (await host.ask("/admin/host/status")).status == 200
        assert (await host.deliver([], query="functionName=on_event")).status == 202


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_stops_it_with_0_and_leaves_no_process(tmp_path: Path, queues: Queues, number: int) -> None:
    async with running_host(tmp_path, "--workers", "2", settings=queues.settings) as host:
        pids = [host.pid, *host.workers]
        os.kill(host.pid, number)
        assert await host.child.ended() == 0
        assert not host.ready.exists()
        assert not any(alive(pid) for pid in pids)


async def test_at_the_end_a_running_function_may_finish(tmp_path: Path, queues: Queues) -> None:
    async with running_host(tmp_path, settings=queues.settings) as host:
        first = asyncio.create_task(host.ask("/api/pause"))
        await host.log_of("executing", function="pause")
        os.kill(host.pid, signal.SIGTERM)
        assert (await first).status == 200
        assert await host.child.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_the_message_of_a_stopped_or_killed_host_is_not_released(
    tmp_path: Path, queues: Queues, storage: QueueServiceClient, number: int
) -> None:
    work = await storage.create_queue(queues.work)
    await work.send_message(encoded("hang"))
    async with running_host(tmp_path, "--grace", "0.2", settings=queues.settings) as host:
        await host.log_of("received hang")
        os.kill(host.pid, number)
        await host.child.ended()
    assert not await work.peek_messages(), "it is invisible, up to ten minutes"
    assert await count_of(work) == 1


async def test_the_message_of_a_stopped_host_is_delivered_again_when_its_lease_expires(
    tmp_path: Path, queues: Queues, storage: QueueServiceClient
) -> None:
    work = await storage.create_queue(queues.work)
    await work.send_message(encoded("hang"))
    async with running_host(tmp_path, "--grace", "0.2", "--queue-visibility", "2", settings=queues.settings) as host:
        await host.log_of("received hang")
        os.kill(host.pid, signal.SIGINT)
        assert await host.child.ended() == 0
    await shown(work)


async def test_the_log_can_go_to_a_file(tmp_path: Path, queues: Queues) -> None:
    file = tmp_path / "own.log"
    async with running_host(tmp_path, "--log", str(file), settings=queues.settings) as host:
        await until(lambda: f"ready at {host.url}" in file.read_text())


async def test_settings_come_from_local_settings_and_the_environment_wins(tmp_path: Path, queues: Queues) -> None:
    app = app_copy(tmp_path)
    values = {"ONLY_LOCAL": "local", "BOTH": "local"}
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    async with running_host(tmp_path, app=app, settings=queues.settings | {"BOTH": "environment"}) as host:
        assert (await host.ask("/api/setting/ONLY_LOCAL")).json() == {"value": "local"}
        assert (await host.ask("/api/setting/BOTH")).json() == {"value": "environment"}
        assert (await host.ask("/api/setting/AZURE_FUNCTIONS_ENVIRONMENT")).json() == {"value": "Development"}
        address = host.url.removeprefix("http://")
        assert (await host.ask("/api/setting/WEBSITE_HOSTNAME")).json() == {"value": address}
        assert host.logged("setting BOTH is ignored: the environment has it")


async def test_the_route_prefix_of_host_json_is_used(tmp_path: Path, queues: Queues) -> None:
    app = app_copy(tmp_path, extensions={"http": {"routePrefix": ""}})
    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        assert (await host.ask("/pid")).status == 200
        assert (await host.ask("/api/pid")).status == 404


async def test_the_log_levels_of_host_json_are_used(tmp_path: Path, queues: Queues) -> None:
    levels = {"default": "Error", "Host": "Information", "Function.log.User": "Warning"}
    app = app_copy(tmp_path, logging={"logLevel": levels})
    async with running_host(tmp_path, app=app, settings=queues.settings) as host:
        await host.ask("/api/log-sync")
        await host.ask("/api/log")
        await host.log_of("from async")
        assert not host.logged("from sync")
        assert not host.logged("executing")
        assert host.logged(f"ready at {host.url}")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
        ("raise RuntimeError('setting X must be a number')", "RuntimeError: setting X must be a number"),
        ("x = 1", "Could not find top level function app instances in function_app.py"),
        ("import sys; sys.exit(3)", "the worker ended with code 3 before the app was indexed"),
        (
            f"{APP}@app.blob_trigger(arg_name='b', path='a', connection='C')\ndef f(b: func.InputStream) -> None: ...",
            "function f: bindings of type blobTrigger are not supported here",
        ),
        (
            (
                f"{APP}@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\n"
                "@app.retry(strategy='fixed_delay', max_retry_count='2', delay_interval='00:00:01')\n"
                "def f(t: func.TimerRequest) -> None: ..."
            ),
            "function f: @app.retry is not supported here",
        ),
        (
            f"{APP}@app.queue_trigger(arg_name='m', queue_name='%NOWHERE%', connection='C')\n{ON_MESSAGE}",
            "function f: %NOWHERE% does not resolve to an app setting",
        ),
        (
            f"{APP}@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\n{ON_MESSAGE}",
            "there is no setting for the connection C",
        ),
        (
            f"{APP}@app.timer_trigger(arg_name='t', schedule='0 61 * * * *')\ndef f(t: func.TimerRequest) -> None: ...",
            "schedule '0 61 * * * *': [0 61 * * * *] is not acceptable, out of range",
        ),
    ],
)
async def test_an_app_that_can_not_run_is_reported_in_a_sentence(tmp_path: Path, code: str, reason: str) -> None:
    assert reason in await failing_start(tmp_path, app=app_with(tmp_path, code), settings={})


async def test_an_invalid_host_json_is_reported_with_its_key(tmp_path: Path) -> None:
    app = app_copy(tmp_path, extensions={"queues": {"batchSize": 99}})
    output = await failing_start(tmp_path, app=app, settings={})
    assert "host.json: extensions.queues.batchSize must be" in output


async def test_a_port_in_use_is_reported(tmp_path: Path, queues: Queues) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "can't start" in await failing_start(tmp_path, "--port", port, settings=queues.settings)
