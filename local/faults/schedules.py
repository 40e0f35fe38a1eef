"""Random schedules: from a seed alone, what is recorded, how it is announced, what ACS does wrong and who dies when.

Every fault here is one that the pipeline can notice. A source that truncates a file and declares the shorter length, or
that flips a byte in the middle, can't be told from an honest one by anybody: ACS gives no digest of its media.
"""

import random
from dataclasses import dataclass, replace
from typing import Any, Literal

from local.faults.points import POINTS

DAY = 24 * 3600.0  # seconds that ACS keeps a file, of the product's clock
_SMALL, _BLOCKS = (1_000, 200_000), (1_100_000, 4_500_000)  # bytes: one request, or several blocks of 1 MiB
_ODDITY, _OMISSION = 0.3, 0.2  # of recordings, that have one of what real ones sometimes have
_VINTAGES = ("current", "current", "current", "2023", "2021-serverCallId", "2021")

Announcement = Literal["plain", "siblings", "duplicate", "eventNever"]


@dataclass(frozen=True, kw_only=True)
class PlannedRecording:
    order: dict[str, Any]  # of documents, for the simulator
    announcement: Announcement
    starts_after: float  # real seconds
    deliveries: int  # at least; by hand, on top of the simulator's own
    pauses: tuple[float, ...]  # real seconds before each of them
    left: float | None  # seconds of the product's clock until the source expires; None: the usual day
    faults: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class PlannedOrder:
    """A death or a freeze of whoever comes to a point with something of this recording."""

    recording: int
    point: str
    skip: int
    freeze: float | None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    seed: int
    recordings: tuple[PlannedRecording, ...]
    orders: tuple[PlannedOrder, ...]


def schedule(seed: int) -> Schedule:
    chance = random.Random(seed)  # noqa: S311 - the same seed must give the same schedule
    recordings = tuple(_recording(chance) for _ in range(chance.randint(1, 3)))
    # Of a chance of their own: a seed's other choices are what they were before there were announcements.
    own = random.Random(f"announcements {seed}")  # noqa: S311 - as above
    recordings = tuple(replace(one, faults=(*one.faults, *_topic_faults(own))) for one in recordings)
    orders = tuple(_order(chance, len(recordings)) for _ in range(chance.choice((0, 1, 1, 2, 3))))
    return Schedule(seed=seed, recordings=recordings, orders=orders)


def _recording(chance: random.Random) -> PlannedRecording:
    low, high = _BLOCKS if chance.random() < 0.25 else _SMALL  # noqa: PLR2004 - one in four
    deliveries = chance.choice((1, 1, 2, 3))
    return PlannedRecording(
        order={
            "size": chance.randint(low, high),
            "format": chance.choice(("wav", "mp3", "mp4")),
            "count": chance.randint(1, 3),
            "seed": chance.randrange(1 << 20),
            "vintage": chance.choice(_VINTAGES),
            "redirects": chance.random() < _ODDITY,
            "quirks": chance.random() < _ODDITY,
            "shuffle": chance.random() < _ODDITY,
            "omitTypes": chance.random() < _OMISSION,
        },
        announcement=chance.choice(("plain", "plain", "plain", "siblings", "duplicate", "eventNever")),
        starts_after=chance.uniform(0, 3),
        deliveries=deliveries,
        pauses=tuple(chance.uniform(0, 2) for _ in range(deliveries)),
        left=chance.uniform(1, 8) * 3600 if chance.random() < 0.2 else None,  # noqa: PLR2004 - one in five
        faults=tuple(_fault(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 4)))),
    )


def _order(chance: random.Random, recordings: int) -> PlannedOrder:
    return PlannedOrder(
        recording=chance.randrange(recordings),
        point=chance.choice(tuple(POINTS)),
        skip=chance.choice((0, 0, 0, 1, 2)),
        freeze=chance.uniform(0.3, 2.5) if chance.random() < 0.3 else None,  # noqa: PLR2004 - three in ten
    )


def _topic_faults(chance: random.Random) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [
        {"kind": "throttle", "retryAfter": chance.randint(0, 60)},
        {"kind": "serverError", "status": chance.choice((500, 503))},
        {"kind": "serverError", "applied": True},
        {"kind": "unauthorized"},
        {"kind": "reset"},
        {"kind": "delayAnswer", "seconds": round(chance.uniform(0.1, 1.5), 2)},
    ]
    return [
        {"operation": "announce", "times": chance.choice((1, 1, 2, 3, 0)), **chance.choice(kinds)}
        for _ in range(chance.choice((0, 1, 2)))
    ]


def _fault(chance: random.Random) -> dict[str, Any]:
    operation = chance.choice(("download", "download", "metadata", "delete"))
    kinds: list[dict[str, Any]] = [
        {"kind": "throttle", "retryAfter": chance.randint(0, 120)},
        {"kind": "serverError", "status": chance.choice((500, 502, 503, 504))},
        {"kind": "html"},
        {"kind": "unauthorized"},
        {"kind": "reset"},
        {"kind": "delayAnswer", "seconds": round(chance.uniform(0.1, 1.5), 2)},
    ]
    if operation == "delete":
        kinds += [{"kind": kind, "applied": True} for kind in ("serverError", "reset", "html")]
    else:
        kinds += [
            {"kind": "reset", "bytes": chance.randint(0, 900)},
            {"kind": "short", "bytes": chance.randint(0, 900)},
            {"kind": "empty"},
            {"kind": "htmlBody"},
            {"kind": "slow", "bytesPerSecond": chance.randint(100_000, 2_000_000)},
            {"kind": "redirect", "host": "media.example.net"},
            {"kind": "redirect", "loop": True},
        ]
    if operation == "download":
        kinds += [{"kind": "ignoreRange"}, {"kind": "corrupt", "offset": 0}]
    if operation == "metadata":
        kinds.append({"kind": "swapMetadata"})
    # 0: until the quiet that follows every schedule.
    times = chance.choice((1, 1, 2, 3, 0))
    return {"operation": operation, "times": times, "skip": chance.choice((0, 0, 1, 3)), **chance.choice(kinds)}
