"""What a seed decides about calls: when they last, who starts their recordings, and what becomes of the files."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from local.simulation.schedules.shares import Shares
from local.simulation.settings import Setup
from local.simulation.world.cluster import BEGIN
from local.simulation.world.recorder import Call, How

HOUR = 3600.0
_HOWS = (How.AT_ONCE,) * 6 + tuple(How)
_RULES = (
    "off",
    "off",
    '{"content":"audio","format":"wav","correlation":"a rule"}',
    '{"on":["CallStarted"],"calls":["group","room"],"content":"audio"}',
    '{"on":["CallConnected"]}',
)
_ENDS_LATE = 9 * HOUR  # after the faults
_LONG_CALL = 2 * HOUR


class Report(StrEnum):
    """An event or callback that reports a call."""

    STARTED = "CallStarted"
    CONNECTED = "CallConnected"
    DISCONNECTED = "CallDisconnected"


@dataclass(frozen=True, kw_only=True)
class StartPlan:
    """A caller's start request, repeated until it is answered. `lost`: the tries whose answer is lost."""

    at: float
    key: str | None  # Idempotency-Key
    tries: int
    pause: float  # seconds between two tries
    lost: frozenset[int]
    consents: bool
    paused: bool
    by_connection: bool

    def body(self, call: Call) -> dict[str, Any]:
        named = (
            {"callConnectionId": call.connection_id} if self.by_connection else {"serverCallId": call.server_call_id}
        )
        return {
            **named,
            "content": "audio",
            "format": "wav",
            "correlation": f"caller of {call.name}",
            "pauseOnStart": self.paused,
            **({"consent": CONSENT} if self.consents else {}),
        }


CONSENT = {"basis": "consent", "reference": "document 7", "obtainedAt": "2026-11-20T09:00:00+00:00"}


@dataclass(frozen=True, kw_only=True)
class Act:
    """A caller's request to stop, pause or resume the recording that it started."""

    after: float  # seconds after the answer to the start; for an onlooker, after the recording began
    action: str
    tries: int = 2
    consents: bool = False


@dataclass(frozen=True, kw_only=True)
class CallPlan:
    """One call, its reports and callers, and the files of each of its recordings."""

    call: Call
    kind: str  # as CallStarted reports it
    reports: tuple[tuple[float, Report], ...]  # seconds after the beginning
    starts: tuple[StartPlan, ...]
    acts: tuple[Act, ...]
    files_after: float | None  # seconds after the recording's end; None: the files never come
    sizes: tuple[int, ...]  # of each chunk's file
    withheld: frozenset[int] = frozenset()  # indexes of chunks that no event names
    apart: bool = False  # each chunk in an event of its own
    onlookers: tuple[Act, ...] = ()  # requests about each recording of the call, whoever started it

    @property
    def begins(self) -> float:
        return (self.call.begins - BEGIN).total_seconds()

    @property
    def ends(self) -> float:
        return (self.call.ends - BEGIN).total_seconds()

    @property
    def is_whole(self) -> bool:
        """Whether the files of its recordings are all announced."""
        return self.files_after is not None and not self.withheld

    def __str__(self) -> str:
        files = "no files" if self.files_after is None else f"files after {self.files_after:.0f} s"
        parts = [
            f"{self.call.name} from {self.begins:.0f} s to {self.ends:.0f} s",
            *(f"{report} at +{at:.0f} s" for at, report in self.reports),
            *(f"start {one.key or 'without a key'} at {one.at:.0f} s" for one in self.starts),
            *(f"{one.action} {one.after:.0f} s later" for one in self.acts),
            *(f"{one.action} by an onlooker {one.after:.0f} s after the beginning" for one in self.onlookers),
            ", ".join(self.call.hows) or "at once",
            f"{files}, {len(self.sizes)} chunks" + (f" without {sorted(self.withheld)}" if self.withheld else ""),
        ]
        return "; ".join(parts)

    def calmer(self) -> "Iterator[CallPlan]":
        """Plans that lack one thing, for shrinking."""
        for place in range(len(self.reports)):
            yield replace(self, reports=self.reports[:place] + self.reports[place + 1 :])
        for place in range(len(self.starts)):
            yield replace(self, starts=self.starts[:place] + self.starts[place + 1 :])
        for place in range(len(self.acts)):
            yield replace(self, acts=self.acts[:place] + self.acts[place + 1 :])
        for place in range(len(self.onlookers)):
            yield replace(self, onlookers=self.onlookers[:place] + self.onlookers[place + 1 :])
        if self.call.hows:
            yield replace(self, call=replace(self.call, hows=self.call.hows[:-1]))
        if self.withheld or len(self.sizes) > 1:
            yield replace(self, sizes=self.sizes[:1], withheld=frozenset(), apart=False)


def setup_of(rng: random.Random) -> Setup:
    callbacks = rng.random() < 0.75  # noqa: PLR2004 - three in four
    rules = rng.choice(_RULES)
    if not callbacks and "CallStarted" not in rules and "CallConnected" in rules:
        rules = "off"
    return Setup(callbacks=callbacks, requires_consent=rng.random() < 0.25, auto_record=rules)  # noqa: PLR2004 - one in four


def calls_of(rng: random.Random, shares: Shares) -> tuple[CallPlan, ...]:
    if rng.random() > shares.of_calls:
        return ()
    return tuple(_call(rng, f"call{number}", shares) for number in range(rng.choice((1, 1, 1, 2))))


def with_onlookers(plan: CallPlan, rng: random.Random) -> CallPlan:
    """In half of the calls, people act on whatever records the call. In half of those, only a rule starts recordings.

    The call is reported again while it lasts, because a start that is repeated after a stop would record it twice.
    """
    if rng.random() < 0.5:  # noqa: PLR2004 - even odds
        return plan
    onlookers = tuple(
        Act(after=rng.choice((0.2, 5.0, 30.0)) * rng.random(), action=action, consents=rng.random() < 0.3)  # noqa: PLR2004 - one in three
        for action in rng.choice((("stop",), ("stop",), ("resume",), ("pause", "resume"), ("resume", "stop")))
    )
    plan = replace(plan, onlookers=onlookers)
    if rng.random() < 0.5:  # noqa: PLR2004 - even odds
        return plan
    lasts = plan.ends - plan.begins
    again = tuple((lasts * rng.random(), report) for report in (Report.STARTED, Report.CONNECTED))
    how = rng.choice((How.AT_ONCE, How.UNANSWERED))
    return replace(plan, starts=(), reports=plan.reports + again, call=replace(plan.call, hows=(how,)))


def _call(rng: random.Random, name: str, shares: Shares) -> CallPlan:
    begins = rng.choice((rng.uniform(0, 60), rng.uniform(0, 4 * HOUR)))
    lasts = rng.choice((rng.uniform(5, 120), rng.uniform(60, _LONG_CALL), rng.uniform(60, _LONG_CALL)))
    ends = _ENDS_LATE + HOUR if rng.random() < 0.1 else begins + lasts  # noqa: PLR2004 - one in ten
    call = Call(
        name=name,
        begins=BEGIN + timedelta(seconds=begins),
        ends=BEGIN + timedelta(seconds=ends),
        hows=tuple(rng.choice(_HOWS) for _ in range(3)),
        fails_over=rng.random() < 0.05,  # noqa: PLR2004 - one in twenty
    )
    sizes = tuple(rng.choice((900, 900, 2500)) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    never = rng.random() < shares.of_files_that_never_come
    withheld = len(sizes) > 1 and rng.random() < shares.of_withheld_files
    return CallPlan(
        call=call,
        kind=rng.choice(("group", "twoParty", "room")),
        reports=tuple(_reports(rng, ends - begins)),
        starts=tuple(_start(rng, name, number, begins) for number in range(rng.choice((0, 1, 1, 1, 2)))),
        acts=tuple(_act(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))),
        files_after=None if never else rng.choice((2.0, 20.0, 60.0, rng.uniform(0, 4 * HOUR))),
        sizes=sizes,
        withheld=frozenset({rng.randrange(len(sizes))}) if withheld else frozenset(),
        apart=rng.random() < 0.4,  # noqa: PLR2004 - two in five
    )


def _reports(rng: random.Random, lasts: float) -> Iterator[tuple[float, Report]]:
    """Each report once or more, or never, early or late."""
    for report in (Report.STARTED, Report.CONNECTED):
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            yield rng.choice((0.0, 0.1, rng.uniform(0, 30), rng.uniform(0, 2 * lasts))), report
    for _ in range(rng.choice((0, 1, 1, 2))):
        yield lasts + rng.choice((0.0, 0.3, rng.uniform(0, HOUR))), Report.DISCONNECTED


def _start(rng: random.Random, name: str, number: int, begins: float) -> StartPlan:
    tries = rng.choice((1, 2, 3, 6))
    return StartPlan(
        at=begins + rng.choice((-1.0, 0.0, 1.0, rng.uniform(0, 60), rng.uniform(0, HOUR))) + number * 0.01,
        key=None if rng.random() < 0.3 else f"key-{name}-{number}",  # noqa: PLR2004 - one in three
        tries=tries,
        pause=rng.choice((0.5, 3.0, 70.0)),
        lost=frozenset(one for one in range(tries - 1) if rng.random() < 0.3),  # noqa: PLR2004 - one in three
        consents=rng.random() < 0.8,  # noqa: PLR2004 - four in five
        paused=rng.random() < 0.2,  # noqa: PLR2004 - one in five
        by_connection=rng.random() < 0.3,  # noqa: PLR2004 - one in three
    )


def _act(rng: random.Random) -> Act:
    return Act(
        after=rng.choice((0.0, 1.0, rng.uniform(0, 60), rng.uniform(0, HOUR))),
        action=rng.choice(("stop", "pause", "resume", "resume")),
        consents=rng.random() < 0.5,  # noqa: PLR2004 - even odds
    )
