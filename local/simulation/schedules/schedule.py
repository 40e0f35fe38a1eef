"""A schedule: everything about a run that its seed decides, except the order of calls.

A schedule can be made smaller, by dropping recordings or faults, without changing the rest of it.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta

from local.simulation.schedules.calls import CallPlan, calls_of, setup_of, with_onlookers
from local.simulation.schedules.mishandling import Mishandling, mishandling_of
from local.simulation.schedules.recordings import ANNOUNCED, HOUR, Recording, recording_of, some_removed_at_once
from local.simulation.schedules.shares import TWO_DAYS, WITHIN_A_DAY
from local.simulation.settings import Setup
from local.simulation.world.faults import LASTING, Fault, Injected, Outage

_CALLS = 90  # about as many calls as a recording makes without any fault
_MOST_CALLS = 10_000  # of a run with faults; the longest make about 3,500
# Of a run in which nothing goes wrong: to archive a document, to take in an event again, and of idle sweeps.
_CALLS_OF_DOCUMENT, _CALLS_OF_REQUEST, _CALLS_OF_RUN = 30, 10, 20
_LONG = 0.03  # share of schedules with things that take two days
_PLAIN = 0.04  # share of schedules in which nothing goes wrong
_CALM = 0.2  # share of schedules with calls in which the platform does nothing wrong
_OUTAGES = (20.0, 20.0, 20.0, 120.0, 120.0, 120.0, 900.0, 3 * HOUR)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What happens in a run."""

    seed: int
    skews: tuple[timedelta, ...]  # one for each host
    recordings: tuple[Recording, ...]
    faults: tuple[Injected, ...]
    outages: tuple[Outage, ...]
    lost_jobs: frozenset[int]
    worn_jobs: frozenset[int] = frozenset()  # whose message has failed four times before
    setup: Setup = field(default_factory=Setup)
    calls: tuple[CallPlan, ...] = ()
    mishandling: Mishandling = field(default_factory=Mishandling)

    @property
    def is_calm(self) -> bool:
        """Whether the platform does nothing wrong. Sources and events may still be odd."""
        return not (self.faults or self.outages or self.lost_jobs or self.worn_jobs or self.mishandling.damages)

    @property
    def is_plain(self) -> bool:
        """Whether nothing at all goes wrong."""
        windows = any(one.windows for recording in self.recordings for one in recording.sources)
        odd = any(recording.oddity for recording in self.recordings)
        # With clocks that differ by more than a lease, two workers copy the same file.
        return self.is_calm and not (windows or odd or self.calls or any(self.skews))

    @property
    def most_calls(self) -> int:
        """How many calls a run may make. More means that something is repeated for nothing."""
        if not self.is_plain:
            return _MOST_CALLS
        documents = sum(len(one.sources) for one in self.recordings)
        requests = sum(max(len(request.events), 1) for one in self.recordings for request in one.requests)
        return _CALLS_OF_DOCUMENT * documents + _CALLS_OF_REQUEST * requests + _CALLS_OF_RUN

    def describe(self) -> list[str]:
        clocks = ", ".join(f"{skew.total_seconds():+.0f} s" for skew in self.skews)
        return [
            f"seed {self.seed}, clocks {clocks}; {self.setup}",
            *map(str, self.recordings),
            *map(str, self.calls),
            *self.mishandling.describe(),
            *map(str, self.outages),
            *map(str, self.faults),
            *(f"the queue loses job {number}" for number in sorted(self.lost_jobs)),
            *(f"job {number} has failed four times before" for number in sorted(self.worn_jobs)),
        ]


def schedule_of(seed: int) -> Schedule:
    rng = random.Random(f"schedule {seed}")  # noqa: S311 - the same seed must give the same schedule
    shares = TWO_DAYS if rng.random() < _LONG else WITHIN_A_DAY
    number = 3 if shares is TWO_DAYS else rng.choice((3, 3, 3, 3, 3, 3, 4, 4, 5, 6, 8, 10))
    names = [f"rec{place}" for place in range(number)]
    recordings = tuple(recording_of(rng, name, names, shares) for name in names)
    recordings = some_removed_at_once(random.Random(f"removed {seed}"), recordings)  # noqa: S311 - as above
    more = random.Random(f"more {seed}")  # noqa: S311 - as above
    calls, setup, mishandling = calls_of(more, shares), setup_of(more), mishandling_of(more)
    calls = tuple(with_onlookers(one, random.Random(f"{one.call.name} {seed}")) for one in calls)  # noqa: S311 - as above
    most = _CALLS * (number + 2 * len(calls))
    faults = sorted({rng.randint(1, most): _fault(rng) for _ in range(rng.choice((0, 1, 2, 2, 4, 4, 8, 16)))}.items())
    schedule = Schedule(
        seed=seed,
        skews=tuple(_skew(rng) for _ in range(rng.choice((1, 2, 2, 2, 3, 4)))),
        recordings=recordings,
        faults=tuple(Injected(call=call, fault=fault, seconds=seconds) for call, (fault, seconds) in faults),
        outages=tuple(_outage(rng) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))),
        lost_jobs=frozenset(rng.randint(1, 2 * number) for _ in range(rng.choice((0, 0, 0, 1, 2)))),
        worn_jobs=frozenset(rng.randint(1, 2 * number) for _ in range(rng.choice((0, 0, 2, 4)))),
        setup=setup,
        calls=calls,
        mishandling=mishandling,
    )
    if mishandling.damages and more.random() < 0.5:  # noqa: PLR2004 - even odds: the sweep must pass the unreadable row
        schedule = replace(schedule, lost_jobs=schedule.lost_jobs | {1, 2})
    if calls and more.random() < _CALM:
        schedule = calm(schedule)
    return plain(schedule) if more.random() < _PLAIN else schedule


def calm(schedule: Schedule) -> Schedule:
    """The schedule without faults of the platform."""
    nothing = frozenset[int]()
    mishandling = replace(schedule.mishandling, damages=())
    return replace(schedule, faults=(), outages=(), lost_jobs=nothing, worn_jobs=nothing, mishandling=mishandling)


def plain(schedule: Schedule) -> Schedule:
    """What is left of a schedule without faults, wrong clocks, troubles, odd events, harm, calls and readers."""
    recordings = tuple(
        replace(one, requests=tuple(request for request in one.requests if request.tampers is None))
        for one in schedule.recordings
        if one.oddity is None
    )
    for one in (one for recording in recordings for one in recording.sources):
        one.windows = ()
    recordings, clocks = recordings or schedule.recordings, (timedelta(),) * len(schedule.skews)
    return replace(calm(schedule), skews=clocks, recordings=recordings, calls=(), mishandling=Mishandling())


def _skew(rng: random.Random) -> timedelta:
    return timedelta(seconds=rng.choice((0.0, 0.0, rng.uniform(-3, 3), rng.uniform(-240, 240))))


def _fault(rng: random.Random) -> tuple[Fault, float]:
    fault = rng.choice(tuple(Fault))
    return fault, rng.uniform(*LASTING[fault]) if fault in LASTING else 0.0


def _outage(rng: random.Random) -> Outage:
    begins = rng.uniform(0, ANNOUNCED)
    lasts = rng.choice(_OUTAGES) * rng.uniform(0.5, 1.2)
    service = rng.choice(("table", "queue", "blob", "acs", "topic"))
    return Outage(service=service, begins=begins, ends=begins + lasts)
