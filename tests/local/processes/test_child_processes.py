"""No process outlives the one that started it. Waiting for a process that has died fails at once."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from local.processes.child_processes import ChildError, Program, clean_environment, running
from tests.local.pids import gone, parent

TREE = """
import os, signal, subprocess, sys, time
if {deaf}: signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("grandchild.draft", "w").write(str(grandchild.pid))
os.replace("grandchild.draft", "grandchild")
time.sleep(600)
"""


def tree(directory: Path, *, deaf: bool = False, grace: float = 10) -> Program:
    """A program that starts another one and then sleeps."""
    return Program(
        name="tree",
        command=[sys.executable, "-c", TREE.format(deaf=deaf)],
        log=directory / "tree.log",
        directory=directory,
        grace=grace,
    )


def grandchild(directory: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return int((directory / "grandchild").read_text())
    return None


def script(directory: Path, text: str) -> Program:
    return Program(name="script", command=[sys.executable, "-c", text], log=directory / "log", directory=directory)


async def test_a_child_and_its_children_end_with_its_context(tmp_path: Path) -> None:
    async with running(tree(tmp_path)) as child:
        second = await child.until(lambda: grandchild(tmp_path), within=30)
        assert child.alive
    await gone(child.pid, second)


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    async with running(tree(tmp_path, deaf=True, grace=0.2)) as child:
        second = await child.until(lambda: grandchild(tmp_path), within=30)
    assert await child.ended() == 128 + signal.SIGKILL
    await gone(child.pid, second)


async def test_the_children_of_a_killed_child_end(tmp_path: Path) -> None:
    async with running(tree(tmp_path)) as child:
        second = await child.until(lambda: grandchild(tmp_path), within=30)
        os.kill(child.pid, signal.SIGKILL)
        assert await child.ended() == 128 + signal.SIGKILL
    await gone(second)


STARTER = """
import asyncio
from pathlib import Path
from local.processes.child_processes import running
from tests.local.processes.test_child_processes import grandchild, tree

async def main():
    here = Path.cwd()
    async with running(tree(here)) as child:
        second = await child.until(lambda: grandchild(here), within=30)
        print(child.pid, second, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_a_child_ends_when_the_process_that_started_it_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTER),
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(Path.cwd())}),
        stdout=asyncio.subprocess.PIPE,
    )
    assert starter.stdout is not None
    pids = [int(word) for word in (await starter.stdout.readline()).split()]
    assert len(pids) == 2
    starter.send_signal(number)
    assert await starter.wait() == -number
    await gone(*pids)


if sys.platform == "linux":  # on other systems, only the tether ends its child

    async def test_a_child_ends_when_its_tether_is_killed(tmp_path: Path) -> None:
        async with running(tree(tmp_path)) as child:
            second = await child.until(lambda: grandchild(tmp_path), within=30)
            os.kill(parent(child.pid), signal.SIGKILL)
            await gone(child.pid)
            os.kill(second, signal.SIGKILL)


async def test_waiting_fails_at_once_with_the_log_when_the_child_dies(tmp_path: Path) -> None:
    async with running(script(tmp_path, "print('the reason'); raise SystemExit(3)")) as child:
        with pytest.raises(ChildError, match=r"script ended with exit code 3 before it was ready(.|\n)*the reason"):
            await child.ready_file(tmp_path / "never", within=30)


async def test_waiting_ends_when_it_takes_too_long(tmp_path: Path) -> None:
    async with running(tree(tmp_path)) as child:
        with pytest.raises(ChildError, match=r"tree isn't ready after 0\.1 seconds"):
            await child.ready_file(tmp_path / "never", within=0.1)


async def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    program = Program(name="ghost", command=["/no/such/program"], log=tmp_path / "log", directory=tmp_path)
    with pytest.raises(ChildError, match=r"ghost couldn't be started(.|\n)*/no/such/program can't be run"):
        async with running(program):
            pass


def test_a_child_gets_only_the_necessary_variables_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_ID", "ACS_CONNECTION_STRING", "AzureWebJobsStorage", "HTTPS_PROXY", "PYTHONPATH"):
        monkeypatch.setenv(name, "leak")
    given = clean_environment({"GIVEN": "yes"})
    assert "leak" not in given.values()
    assert given["GIVEN"] == "yes"
    assert given["PATH"] == os.environ["PATH"]
