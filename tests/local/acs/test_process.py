"""The simulator as a process: it writes a ready file, and ends without a trace on a signal or with its parent."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.local.acs.clients import Control, eventually, sdk_client

ROOT = Path(__file__).resolve().parents[3]
PARENT = (
    "import subprocess, sys; process = subprocess.Popen(sys.argv[1:]); print(process.pid, flush=True); process.wait()"
)


class Found:
    def __init__(self, facts):
        self.tls, self.ca = facts["tls"], facts["ca"]


def command(directory, *more):
    arguments = ("--state", str(directory / "state"), "--ready", str(directory / "ready.json"))
    return (sys.executable, "-m", "local.acs", *arguments, *more)


async def ready(directory):
    async def written():
        file = directory / "ready.json"
        return json.loads(file.read_text()) if file.exists() else None

    return await eventually(written)


@asynccontextmanager
async def running(directory, *more):
    process = await asyncio.create_subprocess_exec(*command(directory, *more), cwd=ROOT)
    try:
        yield process, await ready(directory)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def most_memory_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_cleanly_on_a_signal(tmp_path, number):
    async with running(tmp_path) as (process, facts):
        assert facts["pid"] == process.pid
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert not (tmp_path / "ready.json").exists()
    assert list((tmp_path / "state").iterdir()) == []


async def test_the_ready_file_has_all_that_a_client_needs(tmp_path):
    async with running(tmp_path, "--log", str(tmp_path / "logs" / "acs.log")) as (_, facts):
        async with Control(facts["control"]) as control, sdk_client(Found(facts), facts["connectionString"]) as client:
            call = await control.post("/calls")
            started = await client.start_recording(server_call_id=call["serverCallId"])
            assert started.recording_state == "active"
        assert "TLS on" in (tmp_path / "logs" / "acs.log").read_text()


async def test_it_stops_in_the_middle_of_a_download(tmp_path):
    async with (
        running(tmp_path) as (process, facts),
        Control(facts["control"]) as control,
        sdk_client(Found(facts), facts["connectionString"]) as client,
    ):
        made = await control.post("/documents", size=1 << 30)
        response = await client.download_recording(made["chunks"][0]["contentLocation"])
        assert await anext(response.iter_raw())
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_large_file_needs_no_memory(tmp_path):
    async with (
        running(tmp_path) as (process, facts),
        Control(facts["control"]) as control,
        sdk_client(Found(facts), facts["connectionString"]) as client,
    ):
        made = await control.post("/documents", size=1 << 30)
        response = await client.download_recording(made["chunks"][0]["contentLocation"])
        received = 0
        async for piece in response.iter_raw():
            received += len(piece)
        assert received == 1 << 30
        assert most_memory_kib(process.pid) < 150 * 1024


async def test_it_ends_with_its_parent(tmp_path):
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, *command(tmp_path)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        facts = await ready(tmp_path)
    finally:
        parent.kill()
        await parent.wait()

    async def gone():
        return not alive(facts["pid"])

    await eventually(gone)


async def test_the_folder_of_a_killed_one_is_removed_and_that_of_a_running_one_is_not(tmp_path):
    async with running(tmp_path) as (first, _):
        first.kill()
        await first.wait()
    assert len(list((tmp_path / "state").iterdir())) == 1
    (tmp_path / "ready.json").unlink()
    async with running(tmp_path) as (_, facts):
        assert [str(folder) for folder in (tmp_path / "state").iterdir()] == [str(Path(facts["ca"]).parent)]
        (tmp_path / "ready.json").unlink()
        async with running(tmp_path):
            assert len(list((tmp_path / "state").iterdir())) == 2


async def test_a_port_in_use_is_reported(tmp_path):
    async with running(tmp_path) as (_, facts):
        port = facts["tls"].rsplit(":", 1)[1]
        other = await asyncio.create_subprocess_exec(
            *command(tmp_path / "other", "--tls-port", port), cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        _, output = await other.communicate()
        assert other.returncode == 1
        assert "can't start" in output.decode()
        assert "Traceback" not in output.decode()
