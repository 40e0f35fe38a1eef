"""Core Tools as the host, tested with a stand-in that reads its keys from the same blob as the real ones."""

import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from local.stack import Stack, StackOptions
from tests.local.pids import gone

APP = Path(__file__).parent / "app"

# Called as `func start --port N --enableAuth`. Runs our own host with the keys from blob storage.
STAND_IN = """
import json, os, sys
from azure.storage.blob import BlobServiceClient

assert sys.argv[1:3] == ["start", "--port"] and sys.argv[4:] == ["--enableAuth"]
blobs = BlobServiceClient.from_connection_string(os.environ["AzureWebJobsStorage"])
blob = blobs.get_blob_client("azure-webjobs-secrets", os.environ["AzureFunctionsWebHost__hostid"] + "/host.json")
keys = json.loads(blob.download_blob().readall())
(function,), (system,) = keys["functionKeys"], keys["systemKeys"]
assert system["name"] == "eventgrid_extension" and not keys["masterKey"]["encrypted"]
app = os.getcwd()
os.chdir({checkout!r})
workers = os.environ["FUNCTIONS_WORKER_PROCESS_COUNT"]
command = [sys.executable, "-m", "local.host", "--app", app, "--port", sys.argv[3], "--workers", workers]
# A random key may begin with a dash.
command += [f"--function-key={{function['value']}}", f"--system-key={{system['value']}}"]
os.execv(sys.executable, [*command, f"--master-key={{keys['masterKey']['value']}}"])
"""


async def test_core_tools_host_the_app_with_keys_that_the_stack_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    func = tmp_path / "bin" / "func"
    func.parent.mkdir()
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(STAND_IN.format(checkout=str(Path.cwd())))
    func.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
    func.chmod(0o755)
    monkeypatch.setenv("PATH", str(func.parent), prepend=":")
    async with Stack(StackOptions(directory=tmp_path / "stack", app=APP, host="func", workers=2)) as stack:
        where = stack.addresses
        async with aiohttp.ClientSession() as session:
            url = f"{where.functions}/api/environment"
            async with session.get(url) as answer:
                assert answer.status == 401
            async with session.get(url, headers={"x-functions-key": where.functions_key}) as answer:
                assert (await answer.json())["ACS_LOCAL_GATEWAY"] == where.acs_tls
    await gone(where.pids.host)


def test_missing_core_tools_are_reported(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.stack", "up", "--directory", str(tmp_path), "--host", "func"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr == "HOST=func needs Azure Functions Core Tools 4, but there is no func on PATH.\n"
    assert list(tmp_path.iterdir()) == []
