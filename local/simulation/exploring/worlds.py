"""Worlds in which everything that isn't explored is decided in one fixed way, and ids are named after calls."""

import random
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.memory.storage.account import Account
from local.simulation.exploring.digests import joined
from local.simulation.exploring.races import FUNCTIONS, Race, schedule
from local.simulation.run import World
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.cluster import BEGIN
from local.simulation.world.loop import VirtualLoop, untracked_tasks
from local.simulation.world.outside import Call
from local.simulation.world.trace import Trace

_ID = 16  # digits


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
    """A world with one order: the first waiting call is answered first, until `outside.pick` is replaced."""

    def __init__(self, plan: Schedule | None = None, *, keeps_trace: bool = False) -> None:
        loop = VirtualLoop()
        self.trace = Trace(loop, keeps=keeps_trace)
        super().__init__(loop, self.trace, plan or schedule())
        self.cluster.rng = self.platform.rng = _First(1)
        self.outside.seconds = 0.0
        self.outside.pick = lambda _: 0
        self.outside.proceeds = self._proceeds
        self.names = Names(self.account)

    def complete(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine to its end in this world."""
        with untracked_tasks():
            self.loop.run_until_complete(coroutine)

    def _proceeds(self, call: Call) -> None:
        self.names.name_after(call.process.name, self.outside.count, call.delayed)

    async def prepare(self, race: Race) -> None:
        """Provisions storage, and runs what comes before the race."""
        await self.begin()
        for name in race.before:
            await self.cluster.invoke(self.cluster.hosts[-1], name, FUNCTIONS[name])
