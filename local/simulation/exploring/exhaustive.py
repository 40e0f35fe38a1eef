"""Every order of the calls of two or three invocations on one chunk, with faults at every call: none is left out.

A task depends only on the answers that it has got, so the state of the whole is raw storage, the answers of each task
so far, and the calls that wait. An order that reaches a state that was reached before is not followed any
further. Ids and ETags are named after the call that makes them, so that two orders of independent calls reach the same
state. After the race, the platform runs in one fixed order until nothing is left to do, and the ends are checked.

What this doesn't cover: orders inside the work that follows the race, and faults other than those in FAULTS.
"""

import asyncio
import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from local.memory.storage.account import Service
from local.simulation.judging.invariants import Violated
from local.simulation.run import World
from local.simulation.schedules.schedule import Recording, Request, Schedule, event_of
from local.simulation.world.cluster import BEGIN, Function, Outcome
from local.simulation.world.faults import Fault, Injected
from local.simulation.world.loop import Stuck, VirtualLoop
from local.simulation.world.outside import Call
from local.simulation.world.sources import source
from local.simulation.world.trace import Trace
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of

FAULTS = (Fault.NOT_SENT, Fault.ANSWER_LOST, Fault.DIES_AFTER, Fault.FREEZES_AFTER, Fault.LATE)
_LASTS = 150.0  # seconds of a freeze and of a late request: longer than a lease


class Known(Exception):
    """This order has reached a state that another one reached before."""


@dataclass(frozen=True, kw_only=True)
class Race:
    """Invocations that run at the same time, from their own times on, after others have run in order.

    `apart`: calls that can't influence any other call of the race, so their order doesn't matter. Only their faults are
    followed.
    """

    name: str
    actors: Sequence[tuple[float, str]]
    before: Sequence[str] = ()
    is_long: bool = False  # takes hours
    apart: frozenset[str] = frozenset({"publish", "upsert_entity participants"})


# Events only add to the lists, and read nothing of them.
_INTAKE = frozenset({"publish", "upsert_entity participants", "upsert_entity calendar"})
RACES = (
    Race(name="an event and its redelivery", actors=((0, "event"), (0, "event")), apart=_INTAKE),
    Race(name="a job and its redelivery", before=("event",), actors=((0, "job"), (0, "job"))),
    Race(name="a job and the sweep", before=("event",), actors=((0, "job"), (95, "sweep"))),
    Race(name="a job, and its redelivery after the lease", before=("event",), actors=((0, "job"), (100, "job"))),
    Race(name="a job and the event's redelivery", before=("event",), actors=((0, "job"), (0, "event"))),
    Race(name="an event, its redelivery and a job", actors=((0, "event"), (0, "event"), (0, "job")), is_long=True),
    Race(
        name="two jobs and the sweep", before=("event",), actors=((0, "job"), (0, "job"), (95, "sweep")), is_long=True
    ),
)


@dataclass
class Covered:
    """How far an exploration came."""

    race: Race
    faults: int
    orders: int = 0
    states: int = 0
    remaining: int = 0
    violations: list[str] = field(default_factory=list)
    choices: tuple[int, ...] = ()  # of the order that violated something


def explore(race: Race, *, faults: int, most: int | None = None) -> Covered:
    """Follows every order of a race with at most so many faults; at most `most` orders."""
    covered, seen = Covered(race, faults), set[bytes]()
    waiting: list[tuple[int, ...]] = [()]
    while waiting and not covered.violations and (most is None or covered.orders < most):
        order = _Order(race, faults, waiting.pop(), seen)
        covered.orders += 1
        covered.violations += order.run()
        covered.choices = order.made
        waiting += order.others
    covered.states, covered.remaining = len(seen), len(waiting)
    return covered


def replay(race: Race, faults: int, choices: tuple[int, ...]) -> list[str]:
    """The trace of one order."""
    order = _Order(race, faults, choices, set(), keeps_trace=True)
    found = order.run()
    return [*order.trace.lines, *(f"VIOLATED: {one}" for one in found)]


class _First(random.Random):
    """Decides everything that isn't explored in one fixed way."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class _Order:
    """One order of calls: a list of choices, and then the first alternative at each choice."""

    def __init__(
        self, race: Race, faults: int, choices: tuple[int, ...], seen: set[bytes], *, keeps_trace: bool = False
    ) -> None:
        self._race, self._choices, self._seen, self._left = race, choices, seen, faults
        self._made: list[int] = []
        self.others: list[tuple[int, ...]] = []
        self.loop = VirtualLoop()
        self.trace = Trace(self.loop, keeps=keeps_trace)
        self._world = World(self.loop, self.trace, _schedule())
        self._world.cluster.chance = self._world.platform.chance = _First(1)
        self._world.outside.seconds = 0.0
        self._world.outside.pick = lambda _: 0
        self._world.outside.answered = self._told
        self._racing = False
        self._histories: dict[Any, Any] = {}  # by task
        self._writes: dict[str, int] = {}
        self._current = "platform"
        self._world.account.new_id = self._named  # type: ignore[method-assign]
        self._world.outside.proceeds = self._names

    @property
    def made(self) -> tuple[int, ...]:
        """The choices of this order so far."""
        return tuple(self._made)

    def run(self) -> list[str]:
        try:
            self.loop.run_until_complete(self._run())
            found = self._world.endings.violations()
        except Known:
            found = []
        except (Violated, Stuck) as violated:
            found = [str(violated)]
        found += self._world.cluster.unforeseen
        self.loop.abandon()
        return found

    async def _run(self) -> None:
        await self._world.begin()
        for name in self._race.before:
            await self._world.cluster.invoke(self._world.cluster.hosts[-1], name, _FUNCTIONS[name])
        self._racing = True
        self._world.outside.pick = self._pick
        actors = [
            self.loop.create_task(self._act(place, at, name)) for place, (at, name) in enumerate(self._race.actors)
        ]
        for actor in actors:
            await actor
        self._racing = False
        self._world.outside.pick = lambda _: 0
        self._look()
        self._world.triggers.start()
        await self._world.end()

    async def _act(self, place: int, at: float, name: str) -> Outcome:
        await asyncio.sleep(at)
        return await self._world.cluster.invoke(self._world.cluster.hosts[place], name, _FUNCTIONS[name])

    # Choices

    def _pick(self, waiting: Sequence[Call]) -> int:
        """One of the waiting calls, and a fault for it."""
        apart = next((place for place, one in enumerate(waiting) if _name(one) in self._race.apart), None)
        calls = range(len(waiting)) if apart is None else range(apart, apart + 1)
        kinds = 1 + (len(FAULTS) if self._left else 0)
        place = len(self._made)
        if place < len(self._choices):
            chosen = self._choices[place]
        else:
            if apart is None:
                self._look()
            chosen = 0
            self.others += [(*self._made, other) for other in range(1, len(calls) * kinds)]
        self._made.append(chosen)
        kind, call = divmod(chosen, len(calls))
        self._world.outside.faults = {}
        if kind:
            self._left -= 1
            number = self._world.outside.count + 1
            injected = Injected(call=number, fault=FAULTS[kind - 1], seconds=_LASTS)
            self._world.outside.faults = {number: injected}
        return calls[call]

    def _look(self) -> None:
        """Raises Known if this state was reached before."""
        state = self._state()
        if state in self._seen:
            raise Known
        self._seen.add(state)

    # States

    def _names(self, call: Call) -> None:
        """A call proceeds: ids that it makes are named after it."""
        self._writes[call.process.name] = self._writes.get(call.process.name, 0) + 1
        self._current = f"{call.process.name}-{self._writes[call.process.name]}"

    def _named(self) -> str:
        self._writes[self._current] = self._writes.get(self._current, 0) + 1
        return hashlib.sha256(f"{self._current} {self._writes[self._current]}".encode()).hexdigest()[:16]

    def _told(self, call: Call, answer: object) -> None:
        digest = self._histories.setdefault(call.task, hashlib.sha256(call.process.name.encode()))
        digest.update(repr((self.loop.time(), call.operation, *_parts(answer))).encode())

    def _state(self) -> bytes:
        account, world = self._world.account, self._world
        digest = hashlib.sha256(repr((self.loop.time(), self._left, self._racing)).encode())
        for name, table in account.tables.items():
            digest.update(repr((name, sorted((key, row.etag) for key, row in table.rows.items()))).encode())
        for name, queue in account.queues.items():
            messages = sorted((one.id, one.text, str(one.visible), one.dequeued) for one in queue.messages)
            digest.update(repr((name, messages)).encode())
        for name, container in account.containers.items():
            digest.update(repr((name, [*_parts(container)])).encode())
        digest.update(repr([one.is_deleted for one in world.acs.sources]).encode())
        digest.update(repr(sorted(" ".join(_parts(one)) for one in world.topic.announced)).encode())
        if self._racing:
            digest.update(repr(self._standing()).encode())
        return digest.digest()

    def _standing(self) -> list[Any]:
        """Where each invocation stands: its answers so far, the calls that wait, and which processes run."""
        world = self._world
        return [
            sorted((one.process.name, repr(one.operation), one.delayed) for one in world.outside.waiting),
            sorted(one.hexdigest() for one in self._histories.values()),
            [(host.name, host.process and host.process.name) for host in world.cluster.hosts],
            sorted(self.loop.frozen()),
            sorted(one.when() for one in self.loop.timers()),
        ]


def _name(call: Call) -> str:
    """What `Race.apart` names a call by."""
    operation = call.operation
    return operation.method if operation.service is Service.TOPIC else f"{operation.method} {operation.target}"


def _parts(thing: object) -> Iterator[str]:  # noqa: C901 - one case for each kind of thing
    """Everything that a thing consists of, in a fixed order."""
    match thing:
        case None | bool() | int() | float() | str() | bytes():
            yield repr(thing)
        case dict():
            for key in sorted(thing, key=repr):
                yield repr(key)
                yield from _parts(thing[key])
        case list() | tuple():
            for one in thing:
                yield from _parts(one)
        case BaseException():
            yield f"{type(thing).__name__} {thing}"
        case timedelta():
            yield str(thing)
        case _ if hasattr(thing, "isoformat"):
            yield str(thing)
        case _:
            yield type(thing).__name__
            for name, one in sorted(vars(thing).items()) if hasattr(thing, "__dict__") else ():
                if name not in ("_account", "account", "internal_response"):
                    yield name
                    yield from _parts(one)


_DOCUMENT = "0-eus-rec0-0"


def _schedule() -> Schedule:
    made = source(_DOCUMENT, 0, size=900, expires=BEGIN + timedelta(days=1))
    request = Request(at=0, events=(event_of("rec0", (made,), 0),))
    recording = Recording(recording_id="rec0", sources=(made,), requests=(request,), ends={})
    return Schedule(
        seed=0,
        skews=(timedelta(),) * 4,
        recordings=(recording,),
        faults=(),
        outages=(),
        lost_jobs=frozenset(),
    )


def _job() -> ChunkJob:
    return ChunkJob(recordingKey=key_of("rec0"), chunkKey=key_of(_DOCUMENT))


_FUNCTIONS: dict[str, Function] = {
    "event": lambda app: app.intake.receive(dict(_schedule().recordings[0].requests[0].events[0])),
    "job": lambda app: app.archiving.handle(_job()),
    "sweep": lambda app: app.sweep.run(),
}
