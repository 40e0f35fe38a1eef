"""Hosts and their worker processes, and how an invocation of a function ends.

Each host has one worker process with its own app, clients and clock. If the process dies, its invocations fail and the
host starts another one two seconds later. If the host stops or is killed, its messages stay hidden, and another host
takes its place after some minutes.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any, cast

from local.memory.clients import MemoryClients
from local.memory.storage.account import Account
from local.simulation.world.callback_tokens import SimulatedKeys
from local.simulation.world.loop import PROCESS, VirtualLoop
from local.simulation.world.outside import Outside
from local.simulation.world.processes import Process
from local.simulation.world.sources import SimulatedAcs
from local.simulation.world.topic import SimulatedTopic
from local.simulation.world.trace import Trace
from shared.app import App
from shared.domain.random_source import RandomSource
from shared.errors import CallvaultError, DestinationError, UnreadableRow
from shared.observability import failures
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from shared.gateways.clients import Clients

BEGIN = datetime(2026, 11, 21, 10, tzinfo=UTC)
_NEW_PROCESS = 2.0  # seconds until a host has a new worker process
_NEW_HOST = (20.0, 600.0)  # seconds until another host takes the place of one that stopped
# Functions that fail only if storage fails: any other trouble has an end of its own.
_FAIL_WITH_STORAGE = ("archive_chunk", "keep_poison_message", "on_recording_event", "sweep")
_TIMEOUT = 3600.0  # functionTimeout of host.json: then the host kills the process

type Function = Callable[[App], Awaitable[Any]]


class Outcome(StrEnum):
    """How an invocation ended, as its host sees it."""

    DONE = auto()
    FAILED = auto()  # the function raised, or its process died
    HOST_GONE = auto()  # nobody sees the end


@dataclass
class TrueTime:
    """The storage service's clock, and, with a skew, that of a process."""

    loop: VirtualLoop
    skew: timedelta = timedelta()
    _at: float = -1.0
    _shown: datetime = BEGIN  # at that time of the loop

    def now(self) -> datetime:
        at = self.loop.now
        if self._at != at:
            self._at, self._shown = at, BEGIN + timedelta(seconds=at) + self.skew
        return self._shown

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(eq=False)
class Host:
    """A host and what runs on it now."""

    name: str
    skew: timedelta
    process: Process | None = None
    jobs: int = 0
    started: int = 0  # worker processes
    running: dict[asyncio.Future[Outcome], asyncio.Task[None]] = field(default_factory=dict)


@dataclass
class Cluster:
    """All hosts over one account and one ACS."""

    loop: VirtualLoop
    outside: Outside
    trace: Trace
    account: Account
    acs: SimulatedAcs
    topic: SimulatedTopic | None
    settings: Settings
    rng: random.Random
    skews: list[timedelta]
    seed: int
    hosts: list[Host] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)  # exceptions that are none of the product's own
    _names: int = 0

    def start(self) -> None:
        self.outside.dies = self.die
        for skew in self.skews:
            self._start_host(skew)

    def add_host(self, place: int) -> Host:
        """A host with the name that the host at this place has in a whole cluster."""
        self._names = place
        self._start_host(timedelta())
        return self.hosts[-1]

    def _start_host(self, skew: timedelta) -> None:
        self._names += 1
        host = Host(name=f"host{self._names}", skew=skew)
        self.hosts.append(host)
        self._start_process(host)
        self.trace.step(host.name, "starts")

    def _start_process(self, host: Host) -> None:
        host.started += 1
        host.process = Process(name=f"{host.name}.{host.started}", skew=host.skew)

    def idle_hosts(self, most: int) -> list[Host]:
        """Hosts that can take another job."""
        return [host for host in self.hosts if host.process is not None and host.jobs < most]

    def some_host(self) -> Host | None:
        able = [host for host in self.hosts if host.process is not None]
        return self.rng.choice(able) if able else None

    def invoke(self, host: Host, name: str, function: Function) -> asyncio.Future[Outcome]:
        """Runs a function in the host's process."""
        process = host.process
        assert process is not None  # noqa: S101 - callers choose a host with a process
        ended: asyncio.Future[Outcome] = self.loop.create_future()
        self.trace.step(process.name, f"runs {name}")
        context = Context()
        context.run(PROCESS.set, process)

        async def run() -> None:
            outcome = Outcome.DONE
            try:
                with failures.reporting_failures(name):
                    await function(self._app_of(process))
            except CallvaultError as error:
                self.trace.step(process.name, f"{name} failed", error.reason)
                outcome = Outcome.FAILED
                if name in _FAIL_WITH_STORAGE and not isinstance(error, DestinationError | UnreadableRow):
                    self.unforeseen.append(f"{name} failed although storage didn't: {error.reason}")
            except Exception as error:  # noqa: BLE001 - the run reports it
                self.unforeseen.append(f"{name} raised {type(error).__name__}: {error}")
                outcome = Outcome.FAILED
            self._end(host, ended, outcome)

        host.running[ended] = self.loop.create_task(run(), context=context)
        timeout = self.loop.call_later(_TIMEOUT, self.die, process, False, context=Context())  # noqa: FBT003 - as `die` has it
        ended.add_done_callback(lambda _: timeout.cancel())
        return ended

    def _end(self, host: Host, ended: asyncio.Future[Outcome], outcome: Outcome) -> None:
        host.running.pop(ended, None)
        if not ended.done():
            # The host, and the caller that waits for the end, continue outside the process.
            self.loop.call_soon(_set, ended, outcome, context=Context())

    def die(self, process: Process, with_host: bool) -> None:  # noqa: FBT001 - the signature that Outside calls
        """Ends a process, and its host too, at this moment."""
        if not process.runs:
            return
        process.runs = False
        host = next(one for one in self.hosts if one.process is process)
        host.process = None
        self.trace.step(process.name, "dies", "with its host" if with_host else "")
        ending = [*host.running]
        host.running.clear()
        for ended in ending:
            if not ended.done():
                ended.set_result(Outcome.HOST_GONE if with_host else Outcome.FAILED)
        if with_host:
            self.hosts.remove(host)
            self.loop.call_later(self.rng.uniform(*_NEW_HOST), self._start_host, host.skew, context=Context())
        else:
            self.loop.call_later(_NEW_PROCESS, self._restart, host, context=Context())

    def _restart(self, host: Host) -> None:
        if host in self.hosts and host.process is None:
            self._start_process(host)

    def _app_of(self, process: Process) -> App:
        if process.app is None:
            view = self.account.seen_by(self.outside.turn_of(process))
            keys = SimulatedKeys(view, self.settings.callback_openid_url)
            clients = MemoryClients(view, self.acs.for_account(view), self.settings, keys=keys)
            if self.topic is not None:
                clients.topic = cast("Any", self.topic.for_account(view))
            clock = TrueTime(self.loop, process.skew)
            random_source = RandomSource(random.Random(f"{self.seed} {process.name}"))  # noqa: S311 - repeatable
            process.app = App.over(self.settings, clock, cast("Clients", clients), random_source)
        return process.app


def _set(ended: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not ended.done():
        ended.set_result(outcome)
