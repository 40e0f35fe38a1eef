"""Directories and stack.json belong to one running stack at a time. A dead stack doesn't block them."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack.addresses import Addresses, AddressFile, Pids
from local.stack.stack_directory import BusyError, stack_directory


def addresses(name: str) -> Addresses:
    return Addresses(
        functions=name,
        functions_key="",
        master_key="",
        event_grid_url="",
        acs="",
        acs_connection_string="",
        topic_key="",
        acs_tls="",
        acs_ca="",
        storage_connection_string="",
        blob_url="",
        pids=Pids(stack=os.getpid(), azurite=2, acs=3, host=4, workers=(5,)),
        logs=Path("logs"),
    )


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def holding(lock: int) -> subprocess.Popen[bytes]:
    """A process that holds a lock until its input ends."""
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=(lock,))


def written_to(path: Path) -> str:
    found: str = json.loads(path.read_text())["functions"]
    return found


def test_a_fresh_stack_does_not_overwrite_the_address_file_of_a_running_one(tmp_path: Path) -> None:
    kept, fresh = (AddressFile(tmp_path / "stack.json", yields=yields) for yields in (False, True))
    kept.write(addresses("kept"))
    fresh.write(addresses("fresh"))
    fresh.remove()
    assert written_to(kept.path) == "kept"
    kept.remove()
    assert not kept.path.exists()


def test_the_address_file_of_a_dead_stack_is_overwritten(tmp_path: Path) -> None:
    file = AddressFile(tmp_path / "stack.json", yields=True)
    for left in (json.dumps({"pids": {"stack": dead_pid()}}), "{", "{}"):
        file.path.write_text(left)
        file.write(addresses("fresh"))
        assert written_to(file.path) == "fresh"


def test_a_kept_stack_overwrites_the_address_file_and_the_fresh_one_does_not_remove_it(tmp_path: Path) -> None:
    kept, fresh = (AddressFile(tmp_path / "stack.json", yields=yields) for yields in (False, True))
    fresh.write(addresses("fresh"))
    kept.write(addresses("kept"))
    fresh.remove()
    assert written_to(kept.path) == "kept"


async def test_a_directory_is_used_by_one_stack_at_a_time(tmp_path: Path) -> None:
    async with stack_directory(tmp_path, fresh=False):
        with pytest.raises(BusyError, match=rf"process {os.getpid()}\). Stop it first"):
            async with stack_directory(tmp_path, fresh=False):
                pass
    async with stack_directory(tmp_path, fresh=False) as again:
        assert again.path.samefile(tmp_path)


async def test_fresh_directories_are_empty_and_those_of_ended_stacks_are_removed(tmp_path: Path) -> None:
    async with stack_directory(tmp_path, fresh=True) as ended:
        (ended.path / "storage").touch()
    assert ended.path.exists()  # so that a person can read it
    async with stack_directory(tmp_path, fresh=True) as first, stack_directory(tmp_path, fresh=True) as second:
        assert not ended.path.exists()
        assert first.path != second.path
        assert {path.name for path in first.path.iterdir()} == {"lock"}


async def test_a_directory_waits_for_the_processes_of_a_stack_that_died(tmp_path: Path) -> None:
    """The processes write to it until they end, and hold the lock that they inherited from the stack."""
    async with stack_directory(tmp_path, fresh=False) as dying:
        holder = holding(dying.lock)
    (tmp_path / "lock").write_text(f"{dead_pid()}\n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), stack_directory(tmp_path, fresh=False):
            pass
    assert holder.stdin is not None
    holder.stdin.close()
    async with stack_directory(tmp_path, fresh=False):
        assert holder.wait() == 0
