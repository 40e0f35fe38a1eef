"""`make up` stops on a signal, leaves no process however it ends, and keeps the stored data."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

from local.processes.ports import free_port
from tests.local.pids import gone

APP = Path(__file__).parent / "app"
Up = asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def up(directory: Path, *options: str, starter: tuple[str, ...] = ()) -> AsyncIterator[tuple[Up, dict[str, Any]]]:
    """Starts the stack as a process. Yields it with its stack.json once it has printed its addresses."""
    command = [sys.executable, "-m", "local.stack", "up", "--directory", str(directory), "--app", str(APP), *options]
    process = await asyncio.create_subprocess_exec(*starter, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            while b"Ctrl-C" not in (line := await process.stdout.readline()):
                assert line, "ended before it was up"
        yield process, json.loads((directory / "stack.json").read_text())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def pids(addresses: dict[str, Any]) -> list[int]:
    found = addresses["pids"]
    return [found["azurite"], found["acs"], found["host"], *found["workers"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_all_processes_in_order(tmp_path: Path, number: signal.Signals) -> None:
    async with up(tmp_path, "--workers", "2") as (process, addresses):
        assert len(addresses["pids"]["workers"]) == 2
        process.send_signal(number)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        await gone(*pids(addresses), within=1)
    assert not (tmp_path / "stack.json").exists()


async def test_no_process_is_left_when_it_is_killed_and_the_next_one_has_the_stored_data(tmp_path: Path) -> None:
    async with up(tmp_path) as (process, addresses):
        async with BlobServiceClient.from_connection_string(addresses["storageConnectionString"]) as blobs:
            await blobs.get_blob_client("recordings", "kept").upload_blob(b"content")
        process.kill()
        await process.wait()
        async with up(tmp_path) as (_, again):  # at once: it waits until the dying one releases the directory
            await gone(*pids(addresses), within=1)
            assert again["functions"] != addresses["functions"]
            async with BlobServiceClient.from_connection_string(again["storageConnectionString"]) as blobs:
                kept = await blobs.get_blob_client("recordings", "kept").download_blob()
                assert await kept.readall() == b"content"
    await gone(*pids(again))


async def test_it_ends_with_the_make_that_started_it(tmp_path: Path) -> None:
    make = ("sh", "-c", '"$@"; exit', "make")  # a parent that waits, like make
    async with up(tmp_path, "--with-parent", starter=make) as (parent, addresses):
        parent.kill()
        await gone(addresses["pids"]["stack"], *pids(addresses))
    assert not (tmp_path / "stack.json").exists()


async def test_a_second_one_on_the_same_directory_is_refused_at_once(tmp_path: Path) -> None:
    async with up(tmp_path) as (process, addresses):
        command = [sys.executable, "-m", "local.stack", "up", "--directory", str(tmp_path)]
        second = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        async with asyncio.timeout(30):
            _, output = await second.communicate()
        assert second.returncode == 1
        assert output.decode().startswith("Another stack is running in ")
        assert str(process.pid) in output.decode()
        assert json.loads((tmp_path / "stack.json").read_text()) == addresses


async def test_the_next_one_has_the_same_port_and_keys(tmp_path: Path) -> None:
    port = str(free_port())
    async with up(tmp_path, "--port", port) as (process, addresses):
        assert addresses["functions"] == f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    async with up(tmp_path, "--port", port) as (_, again):
        same = ("functions", "functionsKey", "masterKey", "eventGridUrl")
        assert {name: again[name] for name in same} == {name: addresses[name] for name in same}
    assert (tmp_path / "up" / "keys.json").stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_reported_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "local.stack", "up", "--directory", str(tmp_path), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"Port {port} is in use. Choose another one, or PORT=0 for a free one.\n"
    assert not (tmp_path / "up" / "azurite").exists()


async def test_it_can_be_asked_whether_it_is_running(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "local.stack", "running", "--directory", str(tmp_path)]
    stopped = await asyncio.create_subprocess_exec(*asked, stderr=subprocess.PIPE)
    _, said = await stopped.communicate()
    assert stopped.returncode == 1
    assert "Start it in another terminal with: make up\n" in said.decode()
    async with up(tmp_path):
        running = await asyncio.create_subprocess_exec(*asked)
        assert await running.wait() == 0
