"""A schedule: everything about a run that its seed decides, except the order of calls.

A schedule can be made smaller, by dropping recordings or faults, without changing the rest of it.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from local.faults.schedules.unusual_events import ODDITIES, End, oddly
from local.simulation.schedules.calls import CallPlan, calls_of, setup_of, with_onlookers
from local.simulation.schedules.mishandling import Mishandling, mishandling_of
from local.simulation.settings import Setup
from local.simulation.world.cluster import BEGIN
from local.simulation.world.faults import LASTING, Fault, Injected, Outage
from local.simulation.world.sources import DELETE_HOST, HOST, Source, Trouble, Window, source

HOUR = 3600.0
QUIET = 9 * HOUR  # after this time there are no faults
_ANNOUNCED = 5 * HOUR  # before this time every event is delivered
_CALLS = 90  # about as many calls as a recording makes without any fault
_MOST_CALLS = 40_000  # of a run with faults
# Of a run in which nothing goes wrong: to archive a document, to take in an event again, and of idle sweeps.
_CALLS_OF_DOCUMENT, _CALLS_OF_REQUEST, _CALLS_OF_RUN = 30, 10, 20
_PLAIN = 0.04  # share of schedules in which nothing goes wrong
_CALM = 0.2  # share of schedules with calls in which the platform does nothing wrong
_SIZES = (900, 900, 900, 2500, 5200)  # bytes; with blocks of 1 KiB the last two are copied in blocks
_FOREVER = 60 * HOUR
# Seconds. Long ones are rare, because a run with many retries takes as long as ten others.
_TROUBLES = (0.2, 0.2, 0.2, 5.0, 5.0, 5.0, 60.0, 60.0, 60.0, 300.0, 900.0, 5 * HOUR)
_OUTAGES = (20.0, 20.0, 20.0, 120.0, 120.0, 120.0, 900.0, 3 * HOUR)
_ODDITIES = tuple(name for name in ODDITIES for _ in range(1 if name == "forged host" else 5))
_SERVER_CALL = "aHR0cHM6Ly9jb252LnNreXBlLmNvbS9jb252L2NhbGw="


@dataclass(frozen=True, kw_only=True)
class Request:
    """Events that Event Grid delivers together, one person's request for a replay, or harm to an archived file."""

    at: float
    events: tuple[dict[str, Any], ...] = ()
    acknowledged: bool = True
    is_dead: bool = False  # Event Grid dead-letters the events instead of delivering them
    replay: tuple[str, str] | None = None
    tampers: str | None = None  # the document whose archived media somebody removes or replaces
    replaces: bool = False
    at_once: bool = False  # removed when the row becomes archived, while the worker stands still

    @property
    def kind(self) -> str:
        if self.tampers is not None and self.at_once:
            return f"{self.tampers} removed while its worker stands still"
        if self.tampers is not None:
            return f"{self.tampers} {'replaced' if self.replaces else 'removed'}"
        return "replay" if self.replay else "event"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording: its sources, the requests about it, and the expected ends of its documents."""

    recording_id: str
    sources: tuple[Source, ...]
    requests: tuple[Request, ...]
    ends: Mapping[str, End]
    undecided: bool = False  # events contradict each other, so the end depends on the order of their delivery
    oddity: str | None = None
    quarantined: bool = False  # whether a part of an event can't be read

    def __str__(self) -> str:
        troubles = [
            f"{one.document_id} {window.trouble} {_hours(window.begins)}-{_hours(window.ends)}"
            for one in self.sources
            for window in one.windows
        ]
        asked = [f"{one.kind} at {one.at:.0f} s" for one in self.requests]
        return "; ".join([self.recording_id, *([self.oddity] if self.oddity else []), *asked, *troubles])


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
    chance = random.Random(f"schedule {seed}")  # noqa: S311 - the same seed must give the same schedule
    number = chance.choice((3, 3, 3, 3, 3, 3, 4, 4, 5, 6, 8, 10))
    names = [f"rec{place}" for place in range(number)]
    recordings = tuple(_recording(chance, name, names) for name in names)
    recordings = _some_removed_at_once(random.Random(f"removed {seed}"), recordings)  # noqa: S311 - as below
    more = random.Random(f"more {seed}")  # noqa: S311 - as above
    calls, setup, mishandling = calls_of(more), setup_of(more), mishandling_of(more)
    calls = tuple(with_onlookers(one, random.Random(f"{one.call.name} {seed}")) for one in calls)  # noqa: S311 - as above
    most = _CALLS * (number + 2 * len(calls))
    faults = sorted(
        {chance.randint(1, most): _fault(chance) for _ in range(chance.choice((0, 1, 2, 2, 4, 4, 8, 16)))}.items()
    )
    schedule = Schedule(
        seed=seed,
        skews=tuple(_skew(chance) for _ in range(chance.choice((1, 2, 2, 2, 3, 4)))),
        recordings=recordings,
        faults=tuple(Injected(call=call, fault=fault, seconds=seconds) for call, (fault, seconds) in faults),
        outages=tuple(_outage(chance) for _ in range(chance.choice((0, 0, 0, 1, 1, 2)))),
        lost_jobs=frozenset(chance.randint(1, 2 * number) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        worn_jobs=frozenset(chance.randint(1, 2 * number) for _ in range(chance.choice((0, 0, 2, 4)))),
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


def _hours(at: Any) -> str:
    return f"{(at - BEGIN).total_seconds() / HOUR:.2f} h"


def _skew(chance: random.Random) -> timedelta:
    return timedelta(seconds=chance.choice((0.0, 0.0, chance.uniform(-3, 3), chance.uniform(-240, 240))))


def _fault(chance: random.Random) -> tuple[Fault, float]:
    fault = chance.choice(tuple(Fault))
    return fault, chance.uniform(*LASTING[fault]) if fault in LASTING else 0.0


def _outage(chance: random.Random) -> Outage:
    begins = chance.uniform(0, _ANNOUNCED)
    lasts = chance.choice(_OUTAGES) * chance.uniform(0.5, 1.2)
    service = chance.choice(("table", "queue", "blob", "acs", "topic"))
    return Outage(service=service, begins=begins, ends=begins + lasts)


def _recording(chance: random.Random, name: str, names: list[str]) -> Recording:
    at = chance.choice((chance.uniform(0, 30), chance.uniform(0, 30), chance.uniform(0, _ANNOUNCED)))
    age = chance.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, chance.uniform(0, 30) * HOUR))
    sources = tuple(
        _source(chance, f"0-eus-{name}-{index}", index, at, age)
        for index in range(chance.choice((1, 1, 1, 1, 1, 1, 2, 3)))
    )
    oddity = chance.choice((None, None, None, None, chance.choice(_ODDITIES)))
    event = event_of(name, sources, at - age)
    ends: dict[str, End] = {}
    events: tuple[dict[str, Any], ...] = (event,)
    undecided = quarantined = False
    if oddity is not None:
        delivery = oddly(oddity, event, f"0-eus-{chance.choice([one for one in names if one != name])}-0", chance)
        events, quarantined = tuple(delivery.events), delivery.quarantined
        ends = {one.document_id: delivery.ends for one in sources} | delivery.exceptions
    requests = [*_deliveries(chance, at, events)]
    if chance.random() < 0.15:  # noqa: PLR2004 - one in seven
        document = chance.choice(sources).document_id
        requests.append(
            Request(at=at + chance.choice((5.0, 200.0, 2 * HOUR)) * chance.random(), replay=(name, document))
        )
    if oddity is None and chance.random() < 0.1:  # noqa: PLR2004 - one in ten
        harmed = chance.choice(sources)
        begins = BEGIN + timedelta(seconds=at)
        until = begins + timedelta(seconds=chance.uniform(60, 3000))
        harmed.windows += (Window(trouble=Trouble.UNDELETABLE, begins=begins, ends=until),)
        replaces = chance.random() < 0.1  # noqa: PLR2004 - rare, because it is retried for two days
        undecided = undecided or replaces
        requests.append(Request(at=at + chance.uniform(5, 2000), tampers=harmed.document_id, replaces=replaces))
    return Recording(
        recording_id=name,
        sources=sources,
        requests=tuple(requests),
        ends=ends,
        undecided=undecided,
        oddity=oddity,
        quarantined=quarantined,
    )


def _some_removed_at_once(chance: random.Random, recordings: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """In one of twelve schedules, the files of a document are removed as soon as its row says that they are archived.

    The worker stands still at this moment, so it must not trust its own check afterwards.
    """
    place = chance.randrange(len(recordings))
    harmed = recordings[place]
    if chance.random() > 1 / 12 or harmed.oddity or any(one.tampers for one in harmed.requests):
        return recordings
    request = Request(at=0, tampers=chance.choice(harmed.sources).document_id, at_once=True)
    harmed = replace(harmed, requests=(*harmed.requests, request))
    return (*recordings[:place], harmed, *recordings[place + 1 :])


def _deliveries(chance: random.Random, at: float, events: tuple[dict[str, Any], ...]) -> list[Request]:
    """Each event once or more, in or out of order, alone or several in one request."""
    if len(events) > 1 and chance.random() < 0.3:  # noqa: PLR2004 - one in three
        return [Request(at=at, events=events, is_dead=chance.random() < 0.2)]  # noqa: PLR2004 - one in five
    requests = []
    for place, event in enumerate(events):
        for repetition in range(chance.choice((1, 1, 1, 2, 2, 3))):
            later = place * chance.uniform(0, 60) + (repetition and chance.choice((0.0, 0.01, 2.0, 90.0, HOUR)))
            acknowledged = chance.random() > 0.1  # noqa: PLR2004 - one in ten
            is_dead = chance.random() < 0.05  # noqa: PLR2004 - one in twenty
            requests.append(Request(at=at + later, events=(event,), acknowledged=acknowledged, is_dead=is_dead))
    return requests


def _source(chance: random.Random, document_id: str, index: int, at: float, age: float) -> Source:
    """A source whose event is delivered at some time. `age`: how old the event is then, in seconds."""
    lives = (48 if age else chance.choice((24, 24, 24, 24, 48, chance.uniform(1, 12)))) * HOUR
    made = source(document_id, index, size=chance.choice(_SIZES), expires=BEGIN + timedelta(seconds=at - age + lives))
    made.windows = tuple(_window(chance, at) for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2))))
    return made


def _window(chance: random.Random, at: float) -> Window:
    begins = at + chance.choice((0.0, 0.0, 0.1, chance.uniform(0, 300)))
    lasts = chance.choice(_TROUBLES) * chance.uniform(0.3, 1.2)
    trouble = chance.choice(tuple(Trouble))
    ends = min(begins + lasts, QUIET)
    if trouble is Trouble.CHANGED:
        begins = at + chance.choice((chance.uniform(0.03, 0.4), chance.uniform(0, 300)))
        ends = begins + _FOREVER  # the file doesn't change back
    elif trouble is Trouble.NO_METADATA and chance.random() < 0.02:  # noqa: PLR2004 - rare, because it is retried for two days
        ends = begins + _FOREVER
    return Window(trouble=trouble, begins=BEGIN + timedelta(seconds=begins), ends=BEGIN + timedelta(seconds=ends))


def event_of(
    recording_id: str, sources: tuple[Source, ...], at: float, server_call_id: str = _SERVER_CALL
) -> dict[str, Any]:
    chunks = [
        {
            "documentId": one.document_id,
            "index": index,
            "endReason": "SessionEnded",
            "contentLocation": f"{HOST}/{one.document_id}/content/audio",
            "metadataLocation": f"{HOST}/{one.document_id}/content/acsmetadata",
            "deleteLocation": f"{DELETE_HOST}/{one.document_id}",
        }
        for index, one in enumerate(sources)
    ]
    when = f"{BEGIN + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S.%f}0Z"
    return {
        "id": f"event-{recording_id}",
        "topic": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Communication/CommunicationServices/contoso",
        "subject": f"/recording/call/call-{recording_id}/serverCallId/{server_call_id}/recordingId/{recording_id}",
        "data": {
            "recordingStorageInfo": {"recordingChunks": chunks},
            "recordingStartTime": when,
            "recordingDurationMs": 62314,
            "recordingContentType": "Audio",
            "recordingChannelType": "Mixed",
            "recordingFormatType": "Wav",
            "sessionEndReason": "CallEnded",
        },
        "eventType": "Microsoft.Communication.RecordingFileStatusUpdated",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": when,
    }
