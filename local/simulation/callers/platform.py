"""What all callers of the app share: the loop, the hosts, raw storage, and the random numbers."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from local.memory.storage.account import Account
from local.simulation.world.cluster import Cluster, Function, Host, Outcome, TrueTime
from local.simulation.world.loop import VirtualLoop
from local.simulation.world.trace import Trace
from shared.settings.settings import Settings


@dataclass
class Platform:
    """The parts of one run that every caller needs, and the tasks of all callers."""

    loop: VirtualLoop
    cluster: Cluster
    account: Account
    settings: Settings
    rng: random.Random
    trace: Trace
    clock: TrueTime = field(init=False)
    _tasks: set[asyncio.Future[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.clock = TrueTime(self.loop)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs a caller's task outside of all processes, until it ends or `stop` is called."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def invoke(self, name: str, function: Function) -> Outcome:
        """Runs a function on some host."""
        return await self.cluster.invoke(await self.some_host(), name, function)

    async def some_host(self) -> Host:
        """A host that has a worker process. Waits for one if there is none."""
        host = self.cluster.some_host()
        while host is None:
            await asyncio.sleep(1)
            host = self.cluster.some_host()
        return host
