"""One run of one schedule: builds the world, runs it to its end, and returns what was violated."""

import asyncio
import gc
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from local.memory.clients import MemoryClients, provision
from local.memory.storage.account import Account
from local.simulation.callers.platform import Platform
from local.simulation.callers.triggers import Triggers
from local.simulation.judging.answers import Answers
from local.simulation.judging.consent import check_consent
from local.simulation.judging.endings import Endings, Observed
from local.simulation.judging.invariants import Invariants, Violated
from local.simulation.judging.leases import Leases
from local.simulation.judging.stored import Stored
from local.simulation.schedules.recordings import QUIET, Request
from local.simulation.schedules.schedule import Schedule
from local.simulation.settings import simulated_settings
from local.simulation.world.cluster import Cluster, TrueTime
from local.simulation.world.loop import Stuck, VirtualLoop, untracked_tasks
from local.simulation.world.outside import Call, Outside
from local.simulation.world.recorder import CallRecording, Change, Recorder
from local.simulation.world.sources import SimulatedAcs
from local.simulation.world.topic import SimulatedTopic
from local.simulation.world.trace import Trace
from shared.app import App
from shared.domain.random_source import RandomSource

if TYPE_CHECKING:
    from shared.gateways.clients import Clients

_LONGEST = 75 * 3600.0  # seconds; whatever is left then is a violation
_GLANCE = 600.0  # seconds between two looks at whether anything is left to do
_ANSWERS_EVERY = 3  # seeds: checking the app's answers takes a seventh of a run's time


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run showed. Empty `violations`: nothing was wrong."""

    schedule: Schedule
    violations: tuple[str, ...]
    calls: int
    seconds: float  # of virtual time
    trace: Trace = field(repr=False)

    @property
    def lines(self) -> list[str]:
        return self.trace.lines

    @property
    def digest(self) -> str:
        return self.trace.digest()


def run(schedule: Schedule, *, keeps_trace: bool = False) -> Result:
    """Runs a schedule to its end, or to the first violation."""
    with _uncollected(), untracked_tasks():
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
        if schedule.seed % _ANSWERS_EVERY == 0:
            violations += loop.run_until_complete(world.wrong_answers())
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
        trace=trace,
    )


class World:
    """All parts of one run."""

    def __init__(self, loop: VirtualLoop, trace: Trace, schedule: Schedule) -> None:
        self.loop, self.schedule = loop, schedule
        order, rng = (random.Random(f"{name} {schedule.seed}") for name in ("order", "platform"))  # noqa: S311 - repeatable
        self.settings = simulated_settings(schedule.setup)
        self.account = Account(TrueTime(loop), random.Random(f"ids {schedule.seed}"))  # noqa: S311 - repeatable
        sources = [one for recording in schedule.recordings for one in recording.sources]
        for one in sources:
            one.is_deleted, one.deleted_at = False, None
        self.acs = SimulatedAcs(
            self.account, list(sources), recorder=Recorder(tuple(plan.call for plan in schedule.calls))
        )
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
            rng,
            list(schedule.skews),
            schedule.seed,
        )
        self.platform = Platform(loop, self.cluster, self.account, self.settings, rng, trace)
        self.triggers = Triggers(self.platform, lost=schedule.lost_jobs, worn=schedule.worn_jobs, plans=schedule.calls)
        self._most_calls = schedule.most_calls
        self.invariants = Invariants(self.account, self.acs, self.settings)
        self.leases = Leases(self.account, self.settings.recordings_table)
        self.stored = Stored(self.account, self.settings)
        observed = Observed(acs=self.acs, topic=self.topic, invariants=self.invariants, history=self.triggers.history)
        self.endings = Endings(self.stored, observed, schedule)
        loop.decide = self.outside.decide

    def _checked(self, call: Call) -> None:
        self.invariants.check(call.operation)
        self.leases.check(call)
        self.triggers.saw(call)
        if self.outside.count > self._most_calls:
            raise Stuck(f"the run has made {self._most_calls} calls and hasn't ended")

    async def run(self) -> None:
        await self.begin()
        self.triggers.start()
        for recording in self.schedule.recordings:
            for request in recording.requests:
                self._begin(request)
        for unreadable in self.schedule.mishandling.unreadable:
            send = self.triggers.event_grid.dead_letter if unreadable.is_dead else self.triggers.event_grid.publish
            send(unreadable.at, [unreadable.event])
        for question in self.schedule.mishandling.questions:
            self.triggers.readers.ask(question, self._orderly_events())
        for damage in self.schedule.mishandling.damages:
            self.triggers.readers.damage(damage)
        self.loop.call_later(QUIET, self._end_faults, context=Context())
        await self.end()

    def _orderly_events(self) -> list[dict[str, Any]]:
        """Events that a person may submit again without changing any expected end."""
        return [
            event
            for recording in self.schedule.recordings
            if recording.oddity is None
            for request in recording.requests
            for event in request.events[:1]
        ]

    async def begin(self) -> None:
        """Provisions storage and starts the hosts."""
        await provision(self.account, self.settings)
        self.invariants.begin()
        self.cluster.start()
        self.triggers.people.harmed = self.invariants.harmed
        self.triggers.readers.harmed = self.invariants.rewrote
        self.acs.recorder.changed = self._recording_changed

    async def end(self) -> None:
        """Lets the triggers run until nothing is left to do."""
        await asyncio.sleep(_GLANCE)
        while not self._is_over() and self.loop.time() < _LONGEST:  # noqa: ASYNC110 - no event marks the end
            await asyncio.sleep(_GLANCE)
        self.triggers.stop()

    async def wrong_answers(self) -> list[str]:
        """Asks an app in a new process about everything, without faults."""
        clients = MemoryClients(self.account, self.acs, self.settings)
        clock = TrueTime(self.loop)
        app = App.over(self.settings, clock, cast("Clients", clients), RandomSource(random.Random(0)))  # noqa: S311 - repeatable
        return await Answers(app, self.stored).violations()

    def _recording_changed(self, recording: CallRecording, change: Change) -> None:
        check_consent(self.stored, recording)
        self.triggers.calls.changed(recording, change)
        if change is Change.BEGAN:
            self.triggers.callers.began(recording)

    def _begin(self, request: Request) -> None:
        if request.is_dead:
            self.triggers.event_grid.dead_letter(request.at, list(request.events))
        elif request.events:
            self.triggers.event_grid.publish(request.at, list(request.events), acknowledged=request.acknowledged)
        elif request.tampers is not None and request.at_once:
            self.triggers.people.watched.add(request.tampers)
        elif request.tampers is not None:
            self.triggers.people.tamper(request.at, request.tampers, b"something else" if request.replaces else None)
        else:
            self.triggers.people.replay(request.at, *(request.replay or ("", "")))

    def _is_over(self) -> bool:
        asked = max(request.at for recording in self.schedule.recordings for request in recording.requests)
        return self.triggers.is_idle() and self.loop.time() > asked + _GLANCE

    def _end_faults(self) -> None:
        self.outside.faults = {}
