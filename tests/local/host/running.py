"""A host in a process of its own, as a person starts it, with what a test needs to talk to it and watch it."""

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

from local.stack.processes import Child, Program, clean_environment, running

APP = Path(__file__).parent / "app"
CHECKOUT = Path(__file__).parents[3]
PATIENCE = 30


async def until[T](look: Callable[[], T | None], *, within: float = PATIENCE) -> T:
    """What `look` gives as soon as it gives something that is true."""
    async with asyncio.timeout(within):
        while not (found := look()):  # noqa: ASYNC110 - what is looked at tells nobody
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
        """The log so far; a line that is still being written comes with the next look."""
        text = self.child.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def logged(self, message: str, **fields: Any) -> list[dict[str, Any]]:
        wanted = {"message": message, **fields}.items()
        return [line for line in self.lines() if wanted <= {k: v for k, v in line.items() if _flat(v)}.items()]

    async def log_of(self, message: str, *, times: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """The lines with this message and these fields, once there are so many."""
        return await until(lambda: found if len(found := self.logged(message, **fields)) >= times else None)

    async def ask(self, path: str, method: str = "GET", **options: Any) -> "Answer":
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
            session.request(method, self.url + path, **options) as response,
        ):
            return Answer(status=response.status, headers=response.headers, body=await response.read())

    async def deliver(self, body: Any, *, kind: str = "Notification", **options: Any) -> "Answer":
        """As Event Grid does, to on_event, unless told otherwise."""
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
    """The sample app in a directory of its own, with parts of its host.json replaced."""
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
    """A host until the end of the context; no process of it is left then."""
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
    """What a host that can't start says, which is to end with code 1."""
    async with running(program(directory, *arguments, app=app, settings=settings)) as child:
        async with asyncio.timeout(PATIENCE):
            assert await child.ended() == 1
        return child.log.read_text()
