"""The directory of a stack's storage, settings and logs, locked while any process of the stack runs.

The kernel holds the lock and releases it with the last process that has it. A stack killed by SIGKILL therefore doesn't
block the next one, and the next one doesn't open files that the dying one still writes.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

LOCK = "lock"
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 30  # the longest that a stopping stack may take


class BusyError(RuntimeError):
    """Another stack uses the directory."""


@dataclass(frozen=True, kw_only=True)
class StackDirectory:
    path: Path
    lock: int  # file descriptor, held by each process that writes here

    @property
    def logs(self) -> Path:
        return self.path / "logs"


@contextlib.asynccontextmanager
async def stack_directory(directory: Path, *, fresh: bool) -> AsyncIterator[StackDirectory]:
    """Locks a directory, or a new one below it if `fresh`. Raises BusyError if another stack holds it."""
    directory = _created(directory)
    with contextlib.ExitStack() as locks:
        lock = await _locked(directory, briefly=fresh)
        locks.callback(os.close, lock)
        if fresh:
            # The files of earlier runs stay readable until the next run starts.
            _remove_ended(directory)
            path = Path(tempfile.mkdtemp(dir=directory))
            lock = await _locked(path)
            locks.pop_all().close()
            locks.callback(os.close, lock)
        else:
            path = directory
        yield StackDirectory(path=path, lock=lock)


def _created(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()


async def _locked(directory: Path, *, briefly: bool = False) -> int:
    """Waits for a stack that is stopping, or holds the lock `briefly`. Raises BusyError if the stack keeps running."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while (lock := _try_lock(directory)) is None:
        other = None if briefly else holder(directory)
        if other is not None or asyncio.get_running_loop().time() > deadline:
            process = f" (process {other})" if other is not None else ""
            raise BusyError(f"Another stack is running in {directory}{process}. Stop it first.")
        await asyncio.sleep(POLL_SECONDS)
    return lock


def _try_lock(directory: Path) -> int | None:
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    os.truncate(lock, 0)
    os.write(lock, b"%d\n" % os.getpid())
    return lock


def holder(directory: Path) -> int | None:
    """The pid of the stack that locked the directory, if it is running. Its children may hold the lock a bit longer."""
    try:
        pid = int((directory / LOCK).read_text())
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
        return None
    return pid


def _remove_ended(directory: Path) -> None:
    """Removes the directories of stacks that have ended."""
    for old in directory.iterdir():
        if old.is_dir() and (lock := _try_lock(old)) is not None:
            shutil.rmtree(old)
            os.close(lock)
