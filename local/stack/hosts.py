"""The process that hosts the function app: our own host with the real Python worker, or Azure Functions Core Tools."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.processes.child_processes import Child, Program, running
from local.stack.keys import Keys
from local.stack.options import CHECKOUT, StackOptions
from local.stack.stack_directory import StackDirectory

READY_SECONDS = 120
GRACE_SECONDS = 30  # the host gives running invocations 10 of them


@dataclass(frozen=True, kw_only=True)
class Host:
    functions: str
    functions_key: str
    system_key: str
    master_key: str
    child: Child
    workers: Callable[[], tuple[int, ...]]  # their current pids: the host replaces a worker that died

    def event_grid_url(self, function: str) -> str:
        return f"{self.functions}/runtime/webhooks/EventGrid?functionName={function}&code={self.system_key}"


@contextlib.asynccontextmanager
async def callvault_host(
    options: StackOptions, place: StackDirectory, settings: Mapping[str, str]
) -> AsyncIterator[Host]:
    """Our own host. It gets its settings in a file, because it would otherwise read the app's local.settings.json."""
    ready = place.path / "host-ready.json"
    ready.unlink(missing_ok=True)
    settings_file = _write_settings(place.path / "local.settings.json", settings)
    command = [sys.executable, "-m", "local.host", "--app", str(options.app.absolute())]
    command += ["--workers", str(options.workers), "--settings", str(settings_file), "--ready", str(ready)]
    command += ["--timer-status", str(place.path / "timers.json"), "--port", str(options.port)]
    keys = Keys.kept_in(place.path)
    command += ["--function-key", keys.functions, "--system-key", keys.system, "--master-key", keys.master]
    program = Program(
        name="host",
        command=[*command, *options.host_arguments],
        log=place.logs / "host.log",
        directory=CHECKOUT,
        grace=GRACE_SECONDS,
        held=(place.lock,),
    )
    async with running(program) as child:
        found = await child.ready_file(ready, within=READY_SECONDS)
        yield Host(
            functions=found["functions"],
            functions_key=found["functionsKey"],
            system_key=found["systemKey"],
            master_key=found["masterKey"],
            child=child,
            workers=lambda: _workers(ready),
        )


def _workers(ready: Path) -> tuple[int, ...]:
    """Empty if the host has stopped, which removes the file."""
    try:
        contents: dict[str, Any] = json.loads(ready.read_bytes())
    except FileNotFoundError:
        return ()
    return tuple(contents["workers"])


def _write_settings(path: Path, settings: Mapping[str, str]) -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps({"IsEncrypted": False, "Values": dict(settings)}, indent=2) + "\n")
    return path
