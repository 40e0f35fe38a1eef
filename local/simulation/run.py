"""One run of one schedule: builds the world, runs it to its end, and returns what was violated."""

import asyncio
import gc
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from local.memory.clients import provision
from local.memory.storage.account import Account
from local.simulation.judging.endings import Endings
from local.simulation.judging.invariants import Invariants, Violated
from local.simulation.schedules.schedule import QUIET, Request, Schedule
from local.simulation.settings import simulated_settings
from local.simulation.world.cluster import Cluster, TrueTime
from local.simulation.world.loop import Stuck, VirtualLoop
from local.simulation.world.outside import Call, Outside
from local.simulation.world.sources import SimulatedAcs
from local.simulation.world.topic import SimulatedTopic
from local.simulation.world.trace import Trace
from local.simulation.world.triggers import Triggers

_LONGEST = 75 * 3600.0  # seconds; whatever is left then is a violation
_GLANCE = 600.0  # seconds between two looks at whether anything is left to do
_CALLS = 40_000  # of a run; more means that something is repeated endlessly


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run showed. Empty `violations`: nothing was wrong."""

    schedule: Schedule
    violations: tuple[str, ...]
    calls: int
    seconds: float  # of virtual time
    digest: str
    lines: list[str] = field(repr=False)


def run(schedule: Schedule, *, keeps_trace: bool = False) -> Result:
    """Runs a schedule to its end, or to the first violation."""
    with _uncollected():
        return _run(schedule, keeps_trace=keeps_trace)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would finalize abandoned generators at a moment that no seed decides."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _run(schedule: Schedule, *, keeps_trace: bool) -> Result:
    loop = VirtualLoop()
    trace = Trace(loop, keeps=keeps_trace)
    violations: list[str] = []
    world = World(loop, trace, schedule)
    try:
        loop.run_until_complete(world.run())
        violations += world.endings.violations()
    except (Violated, Stuck) as violated:
        violations.append(str(violated))
    violations += world.cluster.unforeseen
    violations += [str(one.get("exception") or one["message"]) for one in loop.failures]
    for violation in violations:
        trace.step("check", "VIOLATED", violation)
    loop.abandon()
    return Result(
        schedule=schedule,
        violations=tuple(dict.fromkeys(violations)),
        calls=world.outside.count,
        seconds=loop.time(),
        digest=trace.digest(),
        lines=trace.lines,
    )


class World:
    """All parts of one run."""

    def __init__(self, loop: VirtualLoop, trace: Trace, schedule: Schedule) -> None:
        self.loop, self.schedule = loop, schedule
        order, chance = (random.Random(f"{name} {schedule.seed}") for name in ("order", "platform"))  # noqa: S311 - repeatable
        self.settings = simulated_settings()
        self.account = Account(TrueTime(loop), random.Random(f"ids {schedule.seed}"))  # noqa: S311 - repeatable
        sources = [one for recording in schedule.recordings for one in recording.sources]
        for one in sources:
            one.is_deleted, one.deleted_at = False, None
        self.acs = SimulatedAcs(self.account, list(sources))
        self.topic = SimulatedTopic(self.account)

        def pick(waiting: Sequence[Call]) -> int:
            return int(order.random() * len(waiting)) if len(waiting) > 1 else 0

        self.outside = Outside(
            loop, pick, trace, {one.call: one for one in schedule.faults}, schedule.outages, checked=self._checked
        )
        self.cluster = Cluster(
            loop,
            self.outside,
            trace,
            self.account,
            self.acs,
            self.topic,
            self.settings,
            chance,
            list(schedule.skews),
            schedule.seed,
        )
        self.triggers = Triggers(
            loop,
            self.cluster,
            self.account,
            self.settings,
            chance,
            trace,
            lost=schedule.lost_jobs,
            worn=schedule.worn_jobs,
        )
        self.invariants = Invariants(self.account, self.acs, self.settings)
        self.endings = Endings(self.account, self.acs, self.topic, self.settings, schedule)
        loop.decide = self.outside.decide

    def _checked(self, call: Call) -> None:
        self.invariants.check(call.operation)
        self.triggers.saw(call)
        if self.outside.count > _CALLS:
            raise Stuck(f"the run has made {_CALLS} calls and hasn't ended")

    async def run(self) -> None:
        await self.begin()
        self.triggers.start()
        for recording in self.schedule.recordings:
            for request in recording.requests:
                self._begin(request)
        self.loop.call_later(QUIET, self._end_faults, context=Context())
        await self.end()

    async def begin(self) -> None:
        """Provisions storage and starts the hosts."""
        await provision(self.account, self.settings)
        self.invariants.begin()
        self.cluster.start()
        self.triggers.harmed = self.invariants.harmed

    async def end(self) -> None:
        """Lets the triggers run until nothing is left to do."""
        await asyncio.sleep(_GLANCE)
        while not self._is_over() and self.loop.time() < _LONGEST:  # noqa: ASYNC110 - no event marks the end
            await asyncio.sleep(_GLANCE)
        self.triggers.stop()

    def _begin(self, request: Request) -> None:
        if request.is_dead:
            self.triggers.bury(request.at, list(request.events))
        elif request.events:
            self.triggers.publish(request.at, list(request.events), acknowledged=request.acknowledged)
        elif request.tampers is not None:
            self.triggers.tamper(request.at, request.tampers, b"something else" if request.replaces else None)
        else:
            self.triggers.ask(request.at, "replay", _replay(request.replay))

    def _is_over(self) -> bool:
        asked = max(request.at for recording in self.schedule.recordings for request in recording.requests)
        return self.triggers.is_idle() and self.loop.time() > asked + _GLANCE

    def _end_faults(self) -> None:
        self.outside.faults = {}


def _replay(wanted: tuple[str, str] | None) -> Any:
    recording_id, document_id = wanted or ("", "")
    return lambda app: app.commands.replay(recording_id, document_id, by="operator")
