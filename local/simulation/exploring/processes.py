"""A process with one invocation, alone in the world: it is given its answers by hand."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, cast

from local.memory.clients import MemoryClients
from local.memory.storage.account import Account, Operation
from local.simulation.exploring.digests import digest_of, joined
from local.simulation.exploring.memory import Memory, parts_of_app
from local.simulation.settings import simulated_settings
from local.simulation.world.cluster import Cluster, Function, Outcome, TrueTime
from local.simulation.world.loop import VirtualLoop, untracked_tasks
from local.simulation.world.outside import Outside
from local.simulation.world.trace import Trace
from shared.app import App
from shared.domain.random_source import RandomSource


@dataclass(frozen=True)
class Event:
    """What an actor sees next: the answer to a call, or, without a call, that it is so late now.

    `identity` is equal for equal answers. `freezes`: seconds that the process stands still before it sees the answer.
    """

    time: float
    call: bytes | None = None
    identity: Any = None
    freezes: float = 0.0
    answer: Any = field(default=None, compare=False)


class Histories:
    """The answers that each task of a process has got, and names for calls that don't depend on the order of tasks."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._by_task: dict[Any, bytes] = {}
        self._tasks: dict[bytes, Any] = {}
        self._failures: list[bytes] = []

    def name(self, task: Any, operation: Operation, apply: Callable[[], Any]) -> bytes:
        """Names a new call after its task's answers so far and what it asks for."""
        name = joined(self._process, self._by_task.get(task), digest_of((vars(operation), apply)))
        while name in self._tasks:
            name = joined(name, "another")
        self._tasks[name] = task
        return name

    def answered(self, time: float, name: bytes, answer: Any, identity: Any, freezes: float) -> None:
        task = self._tasks[name]
        self._by_task[task] = joined(self._by_task.get(task), time, name, identity, freezes)
        if isinstance(answer, BaseException):
            self._failures.append(self._by_task[task])

    def digest(self) -> bytes:
        return joined(sorted(self._by_task.values()), self._failures)


class LoneProcess:
    """Runs one invocation."""

    def __init__(self, place: int, name: str, function: Function, account: Account, clients: MemoryClients) -> None:
        self._place, self._name, self._function, self._clients = place, name, function, clients
        self._loop = VirtualLoop()
        self._loop.decide = self._pauses
        self._calls: dict[bytes, tuple[Operation, Callable[[], Any], Any]] = {}
        self._histories = Histories(f"host{place + 1}.1")
        self._parts: Mapping[int, Any] = {}
        self.outcome: Outcome | None = None
        trace = Trace(self._loop)
        self._cluster = Cluster(
            self._loop,
            Outside(self._loop, len, trace),
            trace,
            account,
            cast("Any", clients.calls),
            clients.topic,
            simulated_settings(),
            random.Random(0),  # noqa: S311 - decides nothing: there is one host
            [],
            0,
        )

    def sees(self, event: Event) -> None:
        """Continues after an event, until the process waits for answers or timers alone."""
        self._loop.spend(event.time - self._loop.time())
        if not self._cluster.hosts:
            self._begin()
        if event.call is not None:
            self._hears(event, self._calls.pop(event.call)[2])
        with untracked_tasks():
            self._loop.run_forever()

    async def asks(self, operation: Operation, apply: Callable[[], Any]) -> Any:
        answer = self._loop.create_future()
        self._calls[self._histories.name(asyncio.current_task(), operation, apply)] = operation, apply, answer
        return await answer

    def waiting(self) -> Iterator[tuple[bytes, Operation, Callable[[], Any]]]:
        """The calls that wait. A cancelled request wasn't sent."""
        for name, (operation, apply, answer) in self._calls.items():
            if not answer.cancelled():
                yield name, operation, apply

    def timer(self) -> float | None:
        return min((one.when() for one in self._loop.timers()), default=None)

    def wrong(self) -> tuple[str, ...]:
        failures = [str(one.get("exception") or one["message"]) for one in self._loop.failures]
        return (*self._cluster.unforeseen, *failures)

    def memory(self) -> str:
        """What the process still knows."""
        return Memory(self._parts).text(self._loop.tasks())

    def digest(self, memory: str | None) -> bytes:
        """Equal for processes that go on in the same way: by what they know, or, without that, by all their answers."""
        known: object = memory
        if memory is None:
            known = self._histories.digest(), sorted(name for name, _, _ in self.waiting())
        timers = sorted(one.when() for one in self._loop.timers())
        return joined(self._loop.time(), known, timers, self._loop.frozen(), self.outcome, self.wrong())

    def abandon(self) -> None:
        self._loop.abandon()

    def _begin(self) -> None:
        host = self._cluster.add_host(self._place)
        process = host.process
        assert process is not None  # noqa: S101 - a new host has one
        self._own = process
        random_source = RandomSource(random.Random(f"0 {process.name}"))  # noqa: S311 - repeatable, and as Cluster does
        clock = TrueTime(self._loop, process.skew)
        process.app = App.over(simulated_settings(), clock, cast("Any", self._clients), random_source)
        self._parts = parts_of_app(process.app)
        ended = self._cluster.invoke(host, self._name, self._function)
        ended.add_done_callback(self._ends, context=Context())

    def _ends(self, ended: Any) -> None:
        self.outcome = ended.result()

    def _hears(self, event: Event, answer: Any) -> None:
        assert event.call is not None  # noqa: S101 - the caller's condition
        self._histories.answered(event.time, event.call, event.answer, event.identity, event.freezes)
        if event.freezes:
            self._loop.freeze(self._own, event.freezes)
        if isinstance(event.answer, BaseException):
            event.answer.__traceback__ = event.answer.__context__ = None  # of another process that got it
            answer.set_exception(event.answer)
            answer.exception()  # marks it as retrieved: a cancelled task doesn't read it
        else:
            answer.set_result(event.answer)

    def _pauses(self) -> bool:
        self._loop.stop()
        return True
