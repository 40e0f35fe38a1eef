"""What a seed decides about recordings: their files and events, what goes wrong with both, and what people do."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from local.faults.schedules.unusual_events import ODDITIES, End, oddly
from local.simulation.schedules.events import event_of
from local.simulation.schedules.shares import Shares
from local.simulation.world.cluster import BEGIN
from local.simulation.world.sources import Source, Trouble, Window, source

HOUR = 3600.0
QUIET = 9 * HOUR  # after this time there are no faults
ANNOUNCED = 5 * HOUR  # before this time every event is delivered
_SIZES = (900, 900, 900, 2500, 5200)  # bytes; with blocks of 1 KiB the last two are copied in blocks
_FOREVER = 60 * HOUR
# Seconds. Long ones are rare, because a run with many retries takes as long as ten others.
_TROUBLES = (0.2, 0.2, 0.2, 5.0, 5.0, 5.0, 60.0, 60.0, 60.0, 300.0, 900.0, 5 * HOUR)
_SLOW_ODDITIES = ("forged host", "two recordings")  # the app retries, or waits for files, for two days
_ODDITIES = tuple(name for name in ODDITIES if name not in _SLOW_ODDITIES)


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


def _hours(at: Any) -> str:
    return f"{(at - BEGIN).total_seconds() / HOUR:.2f} h"


def recording_of(rng: random.Random, name: str, names: list[str], shares: Shares) -> Recording:
    at = rng.choice((rng.uniform(0, 30), rng.uniform(0, 30), rng.uniform(0, ANNOUNCED)))
    age = rng.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, rng.uniform(0, 30) * HOUR))
    sources = tuple(
        _source(rng, f"0-eus-{name}-{index}", index, at, age, shares)
        for index in range(rng.choice((1, 1, 1, 1, 1, 1, 2, 3)))
    )
    odd = rng.choice(_SLOW_ODDITIES if rng.random() < shares.of_slow_oddities else _ODDITIES)
    oddity = rng.choice((None, None, None, None, odd))
    event = event_of(name, sources, at - age)
    ends: dict[str, End] = {}
    events: tuple[dict[str, Any], ...] = (event,)
    undecided = quarantined = False
    if oddity is not None:
        delivery = oddly(oddity, event, f"0-eus-{rng.choice([one for one in names if one != name])}-0", rng)
        events, quarantined = tuple(delivery.events), delivery.quarantined
        ends = {one.document_id: delivery.ends for one in sources} | delivery.exceptions
    requests = [*_deliveries(rng, at, events)]
    if rng.random() < 0.15:  # noqa: PLR2004 - one in seven
        document = rng.choice(sources).document_id
        requests.append(Request(at=at + rng.choice((5.0, 200.0, 2 * HOUR)) * rng.random(), replay=(name, document)))
    if oddity is None and rng.random() < 0.1:  # noqa: PLR2004 - one in ten
        harmed = rng.choice(sources)
        begins = BEGIN + timedelta(seconds=at)
        until = begins + timedelta(seconds=rng.uniform(60, 3000))
        harmed.windows += (Window(trouble=Trouble.UNDELETABLE, begins=begins, ends=until),)
        replaces = rng.random() < shares.of_replaced_media
        undecided = undecided or replaces
        requests.append(Request(at=at + rng.uniform(5, 2000), tampers=harmed.document_id, replaces=replaces))
    return Recording(
        recording_id=name,
        sources=sources,
        requests=tuple(requests),
        ends=ends,
        undecided=undecided,
        oddity=oddity,
        quarantined=quarantined,
    )


def some_removed_at_once(rng: random.Random, recordings: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """In one of twelve schedules, the files of a document are removed as soon as its row says that they are archived.

    The worker stands still at this moment, so it must not trust its own check afterwards.
    """
    place = rng.randrange(len(recordings))
    harmed = recordings[place]
    if rng.random() > 1 / 12 or harmed.oddity or any(one.tampers for one in harmed.requests):
        return recordings
    request = Request(at=0, tampers=rng.choice(harmed.sources).document_id, at_once=True)
    harmed = replace(harmed, requests=(*harmed.requests, request))
    return (*recordings[:place], harmed, *recordings[place + 1 :])


def _deliveries(rng: random.Random, at: float, events: tuple[dict[str, Any], ...]) -> list[Request]:
    """Each event once or more, in or out of order, alone or several in one request."""
    if len(events) > 1 and rng.random() < 0.3:  # noqa: PLR2004 - one in three
        return [Request(at=at, events=events, is_dead=rng.random() < 0.2)]  # noqa: PLR2004 - one in five
    requests = []
    for place, event in enumerate(events):
        for repetition in range(rng.choice((1, 1, 1, 2, 2, 3))):
            later = place * rng.uniform(0, 60) + (repetition and rng.choice((0.0, 0.01, 2.0, 90.0, HOUR)))
            acknowledged = rng.random() > 0.1  # noqa: PLR2004 - one in ten
            is_dead = rng.random() < 0.05  # noqa: PLR2004 - one in twenty
            requests.append(Request(at=at + later, events=(event,), acknowledged=acknowledged, is_dead=is_dead))
    return requests


def _source(  # noqa: PLR0913, PLR0917 - as many as decide about it
    rng: random.Random, document_id: str, index: int, at: float, age: float, shares: Shares
) -> Source:
    """A source whose event is delivered at some time. `age`: how old the event is then, in seconds."""
    lives = (48 if age else rng.choice((24, 24, 24, 24, 48, rng.uniform(1, 12)))) * HOUR
    made = source(document_id, index, size=rng.choice(_SIZES), expires=BEGIN + timedelta(seconds=at - age + lives))
    made.windows = tuple(_window(rng, at) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2))))
    if rng.random() < shares.of_metadata_that_never_come:
        begins = BEGIN + timedelta(seconds=at)
        forever = begins + timedelta(seconds=_FOREVER)
        made.windows += (Window(trouble=Trouble.NO_METADATA, begins=begins, ends=forever),)
    return made


def _window(rng: random.Random, at: float) -> Window:
    begins = at + rng.choice((0.0, 0.0, 0.1, rng.uniform(0, 300)))
    lasts = rng.choice(_TROUBLES) * rng.uniform(0.3, 1.2)
    trouble = rng.choice(tuple(Trouble))
    ends = min(begins + lasts, QUIET)
    if trouble is Trouble.CHANGED:
        begins = at + rng.choice((rng.uniform(0.03, 0.4), rng.uniform(0, 300)))
        ends = begins + _FOREVER  # the file doesn't change back
    return Window(trouble=trouble, begins=BEGIN + timedelta(seconds=begins), ends=BEGIN + timedelta(seconds=ends))
