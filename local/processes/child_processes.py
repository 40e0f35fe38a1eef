"""The stack's child processes: start, wait until ready, stop.

A child never outlives the process that started it, because each runs under `parent_watch`. Waiting for a child
fails as soon as the child dies. The error shows the end of its log.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from local.processes import parent_watch

POLL_SECONDS = 0.02
LOG_TAIL_LINES = 30

# The variables that programs need on this machine. Children get no others from the user's shell: an AZURE_*, ACS_* or
# proxy variable would change what the app does.
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TERM")


class ChildError(RuntimeError):
    """A child process failed. The message names the process, the reason and its log."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: the variables in PASSED_ON, and `extra`."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | dict(extra or {})


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    command: Sequence[str]
    log: Path
    directory: Path  # working directory
    environment: Mapping[str, str] = field(default_factory=clean_environment)
    grace: float = 10  # seconds between SIGTERM and SIGKILL
    held: Sequence[int] = ()  # file descriptors of locks that the program holds until it ends


@dataclass(frozen=True, kw_only=True)
class Child:
    name: str
    pid: int  # of the program itself, not of its tether
    log: Path
    _tether: asyncio.subprocess.Process = field(repr=False)

    @property
    def alive(self) -> bool:
        return self._tether.returncode is None

    async def ended(self) -> int:
        """Waits for the child to end. Returns its exit code."""
        return await self._tether.wait()

    async def until[T](self, ready: Callable[[], T | None], *, within: float) -> T:
        """Polls `ready` until it returns a value. Raises ChildError if the child dies first or takes too long."""
        try:
            async with asyncio.timeout(within):
                while (found := ready()) is None:
                    if not self.alive:
                        raise self.failure(f"ended with exit code {self._tether.returncode} before it was ready")
                    await asyncio.sleep(POLL_SECONDS)
                return found
        except TimeoutError:
            raise self.failure(f"isn't ready after {within:g} seconds") from None

    async def ready_file(self, path: Path, *, within: float) -> dict[str, Any]:
        """The content of the JSON file that the child writes atomically when it is ready."""
        return await self.until(lambda: json.loads(path.read_bytes()) if path.exists() else None, within=within)

    def failure(self, what: str) -> ChildError:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:] if self.log.exists() else []
        tail = "".join(f"\n  {line}" for line in lines) or " is empty."
        return ChildError(f"{self.name} {what}. The end of its log ({self.log}):{tail}")


@contextlib.asynccontextmanager
async def running(program: Program) -> AsyncIterator[Child]:
    """Runs a program while the context is open. Its log is truncated first."""
    with _new_log(program.log) as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", parent_watch.__file__, str(program.grace), *program.command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
            cwd=program.directory,
            env=dict(program.environment),
            start_new_session=True,  # Ctrl-C reaches only the stack, which stops its children in order
            pass_fds=program.held,
        )
    try:
        yield await _started(program, process)
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Stops a child and everything that it started: first with SIGTERM, after its grace with SIGKILL.

    The tether does this by itself once its input is closed.
    """
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


async def _started(program: Program, process: asyncio.subprocess.Process) -> Child:
    line = await process.stdout.readline() if process.stdout is not None else b""
    child = Child(name=program.name, pid=int(line or process.pid), log=program.log, _tether=process)
    if not line:
        await process.wait()
        raise child.failure("couldn't be started")
    return child


def _new_log(log: Path) -> BinaryIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("wb")
