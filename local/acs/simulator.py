"""The simulator: two servers, the service that they share, and the addresses for clients.

All files are in a new folder below the state folder, which is removed when the simulator stops. At its start, the
simulator removes the folders of killed predecessors.
"""

import base64
import fcntl
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from local.acs.certificates import ACS_HOST, issue
from local.acs.control import control_application
from local.acs.delivery.topic import TOPIC_ENDPOINT
from local.acs.endpoints.front_door import FrontDoor
from local.acs.service import Service

LOOPBACK = "127.0.0.1"
LOCK = "lock"


@dataclass(frozen=True, kw_only=True)
class Options:
    state: Path = Path(".local/acs")
    tls_port: int = 0
    control_port: int = 0
    event_delay: float = 0.2
    """Seconds between the end of a recording and its event."""
    retention: float = 86_400
    """Seconds that a document stays in the store."""
    oddities: bool = True
    """Whether some answers and fields are unusual. See local.acs.faults.oddities."""


class Simulator:
    """`async with Simulator(options) as simulator:` runs the simulator in this event loop."""

    control: str
    """Base URL of the control API."""
    tls: str
    """host:port of the TLS endpoint. Clients must resolve all ACS host names to it."""
    ca: Path
    connection_string: str
    topic_endpoint: str = TOPIC_ENDPOINT
    topic_key: str

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            directory = stack.enter_context(_OwnFolder(self._options.state)).path
            self.ca = directory / "ca.pem"
            context = issue(self.ca)
            service = Service(
                directory=directory,
                event_delay=self._options.event_delay,
                retention=self._options.retention,
                oddities=self._options.oddities,
            )
            stack.push_async_callback(service.close)
            await service.open()
            tls = await _serve(stack, FrontDoor(service).application())
            tls_site = web.TCPSite(tls, LOOPBACK, self._options.tls_port, ssl_context=context)
            await tls_site.start()
            control = await _serve(stack, control_application(service))
            await web.TCPSite(control, LOOPBACK, self._options.control_port).start()
            self.tls = f"{LOOPBACK}:{_port(tls)}"
            self.control = f"http://{LOOPBACK}:{_port(control)}"
            key = base64.b64encode(service.access_key).decode()
            self.connection_string = f"endpoint=https://{ACS_HOST}/;accesskey={key}"
            self.topic_key = service.topic.key
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


async def _serve(stack: AsyncExitStack, application: web.Application) -> web.AppRunner:
    # An open download must not prevent the simulator from stopping.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner


def _port(runner: web.AppRunner) -> int:
    port: int = runner.addresses[0][1]
    return port


class _OwnFolder:
    """A new folder that this process locks. Without the lock, other simulators treat it as abandoned."""

    def __init__(self, state: Path) -> None:
        self._state = state.resolve()

    def __enter__(self) -> Self:
        self._state.mkdir(parents=True, exist_ok=True)
        for lock in self._state.glob("run-*/" + LOCK):
            _remove_if_abandoned(lock)
        self.path = Path(tempfile.mkdtemp(prefix="run-", dir=self._state))
        # Locked before it gets its name, so other simulators never see it unlocked while this one runs.
        unnamed = self.path / "lock.new"
        self._lock = unnamed.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path / LOCK)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _remove_if_abandoned(lock: Path) -> None:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    except (BlockingIOError, FileNotFoundError):
        return
