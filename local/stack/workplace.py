"""The directory in which a stack keeps its storage, settings and logs, locked for as long as any part of it runs.

The lock is the kernel's: it goes with the last process that holds it, so a stack killed by SIGKILL never blocks the
next one, and the next one never opens files that the dying one still writes.
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
PATIENCE_SECONDS = 30  # as long as a stack that was just ended may take to end


class BusyError(RuntimeError):
    """Another stack works in the directory."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    path: Path
    lock: int  # file descriptor, to be held by each process that writes here

    @property
    def logs(self) -> Path:
        return self.path / "logs"


@contextlib.asynccontextmanager
async def workplace(directory: Path, *, fresh: bool) -> AsyncIterator[Workplace]:
    """Lock a directory, or a new one below it if `fresh`; raises BusyError if another stack keeps it."""
    directory = _made(directory)
    with contextlib.ExitStack() as locks:
        lock = await _locked(directory, briefly=fresh)
        locks.callback(os.close, lock)
        if fresh:
            # What earlier runs left stays readable until the next one starts.
            _sweep(directory)
            path = Path(tempfile.mkdtemp(dir=directory))
            lock = await _locked(path)
            locks.pop_all().close()
            locks.callback(os.close, lock)
        else:
            path = directory
        yield Workplace(path=path, lock=lock)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()


async def _locked(directory: Path, *, briefly: bool = False) -> int:
    """A stack that lives keeps its directory, unless for a moment only; one that is ending is waited for."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while (lock := _try_lock(directory)) is None:
        keeper = None if briefly else _keeper(directory)
        if keeper is not None or asyncio.get_running_loop().time() > deadline:
            who = f" (process {keeper})" if keeper is not None else ""
            raise BusyError(f"Another stack is running in {directory}{who}: end that one first.")
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


def _keeper(directory: Path) -> int | None:
    """Pid of the stack that locked the directory, if it lives; its processes may hold the lock a little longer."""
    try:
        pid = int((directory / LOCK).read_text())
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
        return None
    return pid


def _sweep(directory: Path) -> None:
    for old in directory.iterdir():
        if old.is_dir() and (lock := _try_lock(old)) is not None:
            shutil.rmtree(old)
            os.close(lock)
