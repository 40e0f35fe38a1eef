"""Worlds in which everything that isn't explored is decided in one fixed way, and ids are named after calls."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError

from local.memory.storage.account import Account
from local.simulation.exploring.digests import digest_of, joined
from local.simulation.exploring.processes import Histories
from local.simulation.exploring.races import FUNCTIONS, LASTS, Race, schedule
from local.simulation.run import World
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.cluster import BEGIN
from local.simulation.world.faults import Fault
from local.simulation.world.loop import VirtualLoop
from local.simulation.world.outside import Call
from local.simulation.world.trace import Trace

_ID = 16  # digits
_KINDS = {ServiceRequestError: Fault.NOT_SENT, ServiceResponseError: Fault.ANSWER_LOST}


class _First(random.Random):
    """Decides everything that isn't explored in one fixed way."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@dataclass
class Clock:
    """The clock of the storage services, set by hand."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class Names:
    """Names ids after the call that makes them: two orders of independent calls make the same ids."""

    def __init__(self, account: Account) -> None:
        self._call: tuple[object, ...] = ()
        self._made = 0
        self.take_over(account)

    def take_over(self, account: Account) -> None:
        """Names the ids of another account, too."""
        account.new_id = self._next  # type: ignore[method-assign]

    def name_after(self, *call: object) -> None:
        self._call, self._made = call, 0

    def _next(self) -> str:
        self._made += 1
        return joined(self._call, self._made).hex()[:_ID]


class FixedWorld(World):
    """A world with one order: the first waiting call is answered first, until `pick` is replaced."""

    def __init__(self, plan: Schedule | None = None, *, keeps_trace: bool = False) -> None:
        loop = VirtualLoop()
        self.trace = Trace(loop, keeps=keeps_trace)
        super().__init__(loop, self.trace, plan or schedule())
        self.cluster.chance = self.triggers.chance = _First(1)
        self.outside.seconds = 0.0
        self.names = Names(self.account)
        self.pick: Callable[[Sequence[Call]], int] = lambda _: 0
        self.outside.pick = self._named
        self.outside.proceeds = lambda call: self.names.name_after(self.name_of(call))
        self.outside.answered = self._answered
        self._names: dict[int, tuple[Any, bytes]] = {}
        self._histories: dict[str, Histories] = {}

    def name_of(self, call: Call) -> bytes:
        """As the call is named where its process runs alone. A request that is late keeps its name."""
        return self._names[id(call.apply)][1]

    def _named(self, waiting: Sequence[Call]) -> int:
        for call in waiting:
            if id(call.apply) not in self._names:
                histories = self._histories.setdefault(call.process.name, Histories(call.process.name))
                self._names[id(call.apply)] = call.apply, histories.name(call.task, call.operation, call.apply)
        return self.pick(waiting)

    def _answered(self, call: Call, answer: Any) -> None:
        if not call.delayed:
            is_lost = isinstance(answer, (ServiceRequestError, ServiceResponseError))
            injected = self.outside.faults.get(self.outside.count)
            freezes = injected is not None and injected.fault is Fault.FREEZES_AFTER
            self._histories[call.process.name].answered(
                self.loop.time(),
                self.name_of(call),
                answer,
                _KINDS[type(answer)] if is_lost else digest_of(answer),
                LASTS if freezes else 0.0,
            )

    async def prepare(self, race: Race) -> None:
        """Provisions storage, and runs what comes before the race."""
        await self.begin()
        for name in race.before:
            await self.cluster.invoke(self.cluster.hosts[-1], name, FUNCTIONS[name])
