"""`make up` stops on a signal, leaves no process however it ends, and keeps the stored data."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

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
