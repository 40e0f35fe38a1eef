"""What a seed decides beside recordings and calls: unreadable events, readers, and unreadable rows."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HOUR = 3600.0
_SHARE = 0.3  # of schedules with any of it
_LATEST = 6 * HOUR
_FILES = "Microsoft.Communication.RecordingFileStatusUpdated"


class Asked(StrEnum):
    """What a person or a monitor requests."""

    HEALTH = "health"
    SUMMARY = "summary"
    LIST = "list"
    ARCHIVE = "archive"
    CONTENT = "content"
    SUBMIT = "an event by hand"
    QUARANTINED = "replay of a quarantined event"


class Damaged(StrEnum):
    """A row that an older version of the app can't read, because a newer one wrote it."""

    CHUNK = "chunk"
    RECORDING = "recording"
    WORKLIST = "worklist"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request at some time. `choice` from 0 to 1 says which of the existing things it names."""

    at: float
    asked: Asked
    choice: float

    def __str__(self) -> str:
        return f"{self.asked} at {self.at:.0f} s"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A row that can't be read for a time."""

    at: float
    lasts: float
    row: Damaged
    choice: float

    def __str__(self) -> str:
        return f"a {self.row} row unreadable from {self.at:.0f} s for {self.lasts:.0f} s"


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """An event that nobody can parse. Event Grid delivers or dead-letters it."""

    at: float
    event: Any
    is_dead: bool = False

    def __str__(self) -> str:
        return f"an unreadable event at {self.at:.0f} s{', dead-lettered' if self.is_dead else ''}"


@dataclass(frozen=True, kw_only=True)
class Mishandling:
    """All of it in one run."""

    questions: tuple[Question, ...] = ()
    damages: tuple[Damage, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def describe(self) -> list[str]:
        return [*map(str, self.unreadable), *map(str, self.questions), *map(str, self.damages)]


def mishandling_of(rng: random.Random) -> Mishandling:
    if rng.random() > _SHARE:
        return Mishandling()
    return Mishandling(
        questions=tuple(_question(rng) for _ in range(rng.choice((0, 1, 2, 4)))),
        damages=tuple(_damage(rng) for _ in range(rng.choice((0, 0, 1, 2)))),
        unreadable=tuple(_unreadable(rng, number) for number in range(rng.choice((0, 1, 1, 2)))),
    )


def _question(rng: random.Random) -> Question:
    at = rng.choice((rng.uniform(0, 60), rng.uniform(0, _LATEST)))
    return Question(at=at, asked=rng.choice(tuple(Asked)), choice=rng.random())


def _damage(rng: random.Random) -> Damage:
    at = rng.choice((rng.uniform(0, 5), rng.uniform(0, 120), rng.uniform(0, _LATEST)))
    lasts = rng.choice((0.5, 60.0, rng.uniform(0, 2 * HOUR)))
    return Damage(at=at, lasts=lasts, row=rng.choice(tuple(Damaged)), choice=rng.random())


def _unreadable(rng: random.Random, number: int) -> Unreadable:
    chunks: Any = rng.choice(([{"index": 0}], [{"documentId": 7, "index": 0}], "none", None, [[]]))
    data: Any = rng.choice(
        ({"recordingStorageInfo": {"recordingChunks": chunks}}, {"recordingStorageInfo": 3}, None, [1])
    )
    event: Any = rng.choice(
        (
            {"id": f"odd-{number}", "eventType": _FILES, "subject": "/recording", "data": data},
            {"id": f"odd-{number}", "eventType": "Microsoft.Communication.CallStarted", "data": {"serverCallId": 5}},
            {"id": f"odd-{number}", "eventType": 7, "data": {}},
            f"not an event {number}",
            [f"not an event {number}"],
        )
    )
    # Event Grid dead-letters objects only.
    is_dead = isinstance(event, dict) and rng.random() < 0.3  # noqa: PLR2004 - one in three
    return Unreadable(at=rng.uniform(0, _LATEST), event=event, is_dead=is_dead)
