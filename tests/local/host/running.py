"""A host in its own process, as a person starts it, and helpers to send it requests and read its log."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from local.processes.child_processes import Child, Program, clean_environment, running

APP = Path(__file__).parent / "app"
CHECKOUT = Path(__file__).parents[3]
PATIENCE = 30


async def until[T](condition: Callable[[], T | None], *, within: float = PATIENCE) -> T:
    """Polls the condition until it returns a true value."""
    async with asyncio.timeout(within):
        while not (found := condition()):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.02)
        return found


@dataclass(frozen=True, kw_only=True)
class RunningHost:
    url: str
    functions_key: str
    system_key: str
    master_key: str
    child: Child
    ready: Path

    @property
    def pid(self) -> int:
        return json.loads(self.ready.read_text())["pid"]

    @property
    def workers(self) -> list[int]:
        return json.loads(self.ready.read_text())["workers"]

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far, without one that is still being written."""
        text = self.child.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def logged(self, message: str, **fields: Any) -> list[dict[str, Any]]:
        wanted = {"message": message, **fields}.items()
        return [line for line in self.lines() if wanted <= {k: v for k, v in line.items() if _flat(v)}.items()]

    async def log_of(self, message: str, *, times: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """Waits for `times` lines with this message and these fields. Returns them."""
        return await until(lambda: found if len(found := self.logged(message, **fields)) >= times else None)

    async def ask(self, path: str, method: str = "GET", **options: Any) -> "Answer":
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
            session.request(method, self.url + path, **options) as response,
        ):
            return Answer(status=response.status, headers=response.headers, body=await response.read())

    async def deliver(self, body: Any, *, kind: str = "Notification", **options: Any) -> "Answer":
        """Delivers events as Event Grid does, by default to on_event."""
        headers = {"aeg-event-type": kind, **options.pop("headers", {})}
        query = options.pop("query", f"functionName=on_event&code={self.system_key}")
        return await self.ask(f"/runtime/webhooks/EventGrid?{query}", "POST", json=body, headers=headers, **options)


def _flat(value: Any) -> bool:
    return isinstance(value, str | int | float | None)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def app_copy(directory: Path, **host_json: Any) -> Path:
    """A copy of the sample app, with parts of its host.json replaced."""
    app = directory / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__"))
    content = json.loads((app / "host.json").read_text())
    (app / "host.json").write_text(json.dumps(content | host_json))
    return app


def program(directory: Path, *arguments: str, app: Path = APP, settings: Mapping[str, str]) -> Program:
    return Program(
        name="host",
        command=[sys.executable, "-m", "local.host", "--app", str(app), *arguments],
        log=directory / "host.log",
        directory=CHECKOUT,
        environment=clean_environment(settings) | {"PYTHONDONTWRITEBYTECODE": "1"},
        grace=30,
    )


@contextlib.asynccontextmanager
async def running_host(
    directory: Path, *arguments: str, app: Path = APP, settings: Mapping[str, str]
) -> AsyncIterator[RunningHost]:
    """Runs a host until the end of the context. No process of it is left afterwards."""
    ready = directory / "ready.json"
    started = program(directory, "--ready", str(ready), *arguments, app=app, settings=settings)
    async with running(started) as child:
        found = await child.ready_file(ready, within=PATIENCE)
        yield RunningHost(
            url=found["functions"],
            functions_key=found["functionsKey"],
            system_key=found["systemKey"],
            master_key=found["masterKey"],
            child=child,
            ready=ready,
        )


async def failing_start(directory: Path, *arguments: str, app: Path = APP, settings: Mapping[str, str]) -> str:
    """The log of a host that fails to start, with exit code 1."""
    async with running(program(directory, *arguments, app=app, settings=settings)) as child:
        async with asyncio.timeout(PATIENCE):
            assert await child.ended() == 1
        return child.log.read_text()
