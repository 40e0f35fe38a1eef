"""A started stack answers at all addresses, writes stack.json, and hides the user's variables from the app."""

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from azure.storage.queue.aio import QueueClient

from local.stack import ChildError, Stack, StackOptions
from local.stack.greeting import commands
from tests.local.pids import alive, gone

APP = Path(__file__).parent / "app"
PIDS = ("azurite", "acs", "host")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Sets variables as in a shell that is set up for Azure. The stack must ignore them."""
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("AZURE_CLIENT_ID", "leak")
        shell.setenv("ACS_CONNECTION_STRING", "leak")
        options = StackOptions(directory=tmp_path_factory.mktemp("stack"), app=APP, settings={"RETENTION_HOURS": "12"})
        async with Stack(options) as stack:
            yield stack


async def until[T](ask: Callable[[], Awaitable[T | None]], *, within: float = 60) -> T:
    """Polls until there is a true answer."""
    async with asyncio.timeout(within):
        while not (answer := await ask()):  # noqa: ASYNC110 - other programs set no event of ours
            await asyncio.sleep(0.05)
        return answer


def logs_of(written: dict[str, Any]) -> list[Path]:
    return list(Path(written["logs"]).iterdir())


async def got(url: str, key: str | None) -> tuple[int, Any]:
    headers = {"x-functions-key": key} if key else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        return answer.status, await answer.json() if answer.ok else None


async def test_the_app_answers_only_with_the_key(stack: Stack) -> None:
    url = f"{stack.addresses.functions}/api/environment"
    assert (await got(url, None))[0] == 401
    assert (await got(url, stack.addresses.functions_key))[0] == 200


async def test_the_app_has_the_settings_of_the_stack_and_no_variables_of_the_shell(stack: Stack) -> None:
    where = stack.addresses
    _, environment = await got(f"{where.functions}/api/environment", where.functions_key)
    assert environment["AzureWebJobsStorage"] == where.storage_connection_string
    assert environment["ACS_CONNECTION_STRING"] == where.acs_connection_string
    assert environment["ACS_LOCAL_GATEWAY"] == where.acs_tls
    assert environment["ACS_LOCAL_CA"] == where.acs_ca
    assert environment["RETENTION_HOURS"] == "12"
    assert "BLOCK_CHECKSUM" not in environment, "what is tried here is what runs in production"
    assert "leak" not in environment.values()


async def test_an_event_that_the_simulator_publishes_reaches_the_app(stack: Stack) -> None:
    event = {
        "id": "the-event",
        "topic": "topic",
        "subject": "subject",
        "eventType": "Microsoft.Communication.RecordingFileStatusUpdated",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1.0",
        "data": {},
    }
    async with aiohttp.ClientSession() as session, session.post(f"{stack.addresses.acs}/events", json=event) as answer:
        assert answer.ok
    queue = QueueClient.from_connection_string(stack.addresses.storage_connection_string, "recording-chunks")
    async with queue:
        message = await until(queue.receive_message)
    assert base64.b64decode(message.content) == b"the-event"


async def test_stack_json_has_all_addresses(stack: Stack) -> None:
    written = json.loads(stack.address_file.read_text())
    where = stack.addresses
    assert written == json.loads(where.as_json())
    assert set(written) >= {"functions", "functionsKey", "masterKey", "eventGridUrl", "acs", "acsConnectionString"}
    assert set(written) >= {"acsTls", "acsCa", "storageConnectionString", "logs", "pids"}
    assert written["eventGridUrl"].startswith(f"{where.functions}/runtime/webhooks/EventGrid?functionName=")
    assert all(alive(written["pids"][name]) for name in PIDS)
    assert all(alive(pid) for pid in written["pids"]["workers"])
    assert {path.name for path in logs_of(written)} == {"azurite.log", "acs.log", "host.log"}
    assert stack.address_file.stat().st_mode & 0o077 == 0


async def test_stack_json_is_updated_when_a_worker_is_replaced(stack: Stack) -> None:
    (killed,) = json.loads(stack.address_file.read_text())["pids"]["workers"]
    os.kill(killed, signal.SIGKILL)

    async def others() -> list[int]:
        return [pid for pid in json.loads(stack.address_file.read_text())["pids"]["workers"] if pid != killed]

    (worker,) = await until(others)
    assert alive(worker)


async def test_fresh_stacks_start_empty_run_at_the_same_time_and_do_not_overwrite_the_address_file(
    stack: Stack, tmp_path: Path
) -> None:
    written = stack.address_file.read_text()
    options = StackOptions(directory=tmp_path, fresh=True, address_file=stack.address_file, app=APP)
    async with Stack(options) as first, Stack(options) as second:
        assert first.addresses.logs != second.addresses.logs
        assert first.addresses.storage_connection_string != second.addresses.storage_connection_string
        pids = [getattr(each.addresses.pids, name) for each in (first, second) for name in PIDS]
    await gone(*pids)
    assert json.loads(stack.address_file.read_text())["functions"] == json.loads(written)["functions"]


async def test_a_stack_that_fails_to_start_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "app" / "function_app.py").write_text("import no_such_module\n")
    with pytest.raises(ChildError, match=r"host ended with exit code 1(.|\n)*no_such_module"):
        async with Stack(StackOptions(directory=tmp_path / "stack", app=tmp_path / "app")):
            pass
    assert not (tmp_path / "stack" / "stack.json").exists()
    async with Stack(StackOptions(directory=tmp_path / "stack", app=APP)) as second:  # it holds no lock, either
        assert alive(second.addresses.pids.host)


async def test_a_stack_reports_why_it_failed(tmp_path: Path) -> None:
    async with Stack(StackOptions(directory=tmp_path, app=APP)) as stack:
        os.kill(stack.addresses.pids.azurite, signal.SIGKILL)
        async with asyncio.timeout(30):
            assert "azurite ended by itself with exit code 137" in str(await stack.failure())


def readme_examples() -> list[str]:
    """README's commands that call the app, in their order. What sets the variables of a deployment isn't one."""
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    return [
        block for block in re.findall(r"^```bash\n(.*?)^```", readme, re.DOTALL | re.MULTILINE) if '"$APP/' in block
    ]


async def test_the_printed_commands_archive_a_recording_and_those_of_readme_follow(tmp_path: Path) -> None:
    """With the product itself, because the commands are for it."""
    async with Stack(StackOptions(directory=tmp_path)) as stack:
        *steps, show = [command for _, command in commands(stack.addresses)]
        until_archived = f'until {show} | grep \'"state": "archived"\'; do sleep 0.1; done'
        control, wait, find = readme_examples()
        until_safe = f"until {wait.strip()} | grep '\"sha256\"'; do sleep 0.1; done"
        call = next(step for step in steps if "CALL=" in step)
        script = "\n".join([*steps, until_archived, call, control, until_safe, find])
        shell = await asyncio.create_subprocess_exec("sh", "-euc", script, stdout=subprocess.PIPE)
        try:
            async with asyncio.timeout(60):
                output, _ = await shell.communicate()
                assert shell.returncode == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                shell.kill()
        assert '"correlation": "case 4711"' in output.decode()
        assert "/recordings/" in output.decode().rpartition('"url": "')[2], "a link to the file"
