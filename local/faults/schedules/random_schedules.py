"""Random schedules: a seed determines recordings, their announcements, faults of ACS and deaths of workers.

The pipeline can detect every fault here. It can't detect a source that truncates a file and declares the shorter
length, or that flips a byte in the middle, because ACS provides no digest of its media.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local.faults.injection.crash_points import POINTS, Scene
from local.faults.schedules.scenarios import HOUR, Ordeal, Scenario, ordeal
from local.faults.schedules.unusual_events import ODDITIES

DAY = 24 * HOUR  # for which ACS keeps a file, in seconds of the product's clock
_SMALL, _BLOCKS = (1_000, 200_000), (2_200_000, 4_500_000)  # bytes: one request, or several blocks of 1 MiB
_ODDITY, _OMISSION = 0.3, 0.2  # shares of recordings with an unusual property
_VINTAGES = ("current", "current", "current", "2023", "2021-serverCallId", "2021")
MIXED = (*(Scenario.PLAIN,) * 6, *(Scenario.ODD,) * 3, *Scenario)  # scenarios of a mixed schedule, by weight
_ANY = 0.25  # share of orders for any step; the others are for steps that nearly every chunk reaches
_COMMON = (
    "intake-after-announcing",
    "intake-after-adding-to-worklist",
    "intake-before-queueing",
    "intake-after-queueing",
    "archiving-after-claiming",
    "archiving-after-storing-metadata",
    "archiving-before-storing-media",
    "archiving-after-storing-media",
    "archiving-before-writing-archived",
    "archiving-after-writing-archived",
    "archiving-before-deleting-the-source",
    "archiving-after-deleting-the-source",
    "archiving-after-writing-released",
)
_DEADLY = tuple(point.name for point in POINTS.values() if point.scene is not Scene.CALLING)

Announcement = Literal["plain", "siblings", "duplicate", "eventNever"]
Entrance = Literal["trigger", "api", "cloud event"]


@dataclass(frozen=True, kw_only=True)
class PlannedRecording:
    scenario: Scenario
    order: dict[str, Any]  # of documents, for the simulator
    announcement: Announcement
    entrance: Entrance
    oddity: str | None
    starts_after: float  # real seconds
    deliveries: int  # by the player, in addition to the simulator's own
    pauses: tuple[float, ...]  # real seconds before each of them
    ordeal: Ordeal
    faults: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class PlannedOrder:
    """The death or freeze of a worker that reaches a point with a chunk of this recording."""

    recording: int
    point: str
    skip: int
    freeze: float | None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    seed: int
    recordings: tuple[PlannedRecording, ...]
    orders: tuple[PlannedOrder, ...]


def schedule(seed: int, scenarios: Sequence[Scenario] = MIXED) -> Schedule:
    chance = random.Random(seed)  # noqa: S311 - the same seed must give the same schedule
    recordings = tuple(_recording(chance, chance.choice(scenarios)) for _ in range(chance.randint(1, 3)))
    orders = tuple(_order(chance, len(recordings)) for _ in range(chance.choice((0, 1, 2, 3, 4))))
    return Schedule(seed=seed, recordings=recordings, orders=orders)


def _recording(chance: random.Random, scenario: Scenario) -> PlannedRecording:
    given = ordeal(scenario, chance)
    is_large = given.large if given.large is not None else chance.random() < 0.25  # noqa: PLR2004 - one in four
    deliveries = chance.choice((1, 1, 2, 3))
    is_plain = scenario is Scenario.PLAIN
    # The player delivers the event itself if the event or its documents are modified.
    by_hand = (given.odd, given.tampering, given.life, given.age, given.gap, given.poisoned, given.alone)
    announcement: Announcement = "plain"
    if not any(by_hand):
        announcement = chance.choice(("plain", "plain", "plain", "siblings", "duplicate", "eventNever"))
    own = tuple(_fault(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 4)))) if is_plain else ()
    return PlannedRecording(
        scenario=scenario,
        order={
            "size": chance.randint(*(_BLOCKS if is_large else _SMALL)),
            "format": chance.choice(("wav", "mp3", "mp4")),
            "count": 3 if given.gap else 1 if given.alone else chance.randint(1, 3),
            "seed": chance.randrange(1 << 20),
            "vintage": "current" if given.odd or given.gap else chance.choice(_VINTAGES),
            "redirects": chance.random() < _ODDITY,
            "quirks": chance.random() < _ODDITY,
            "shuffle": chance.random() < _ODDITY,
            "omitTypes": chance.random() < _OMISSION,
        },
        announcement=announcement,
        entrance=chance.choice(("trigger", "trigger", "api", "cloud event")),
        oddity=chance.choice(tuple(ODDITIES)) if given.odd else None,
        starts_after=chance.uniform(0, 3),
        deliveries=deliveries,
        pauses=tuple(chance.uniform(0, 2) for _ in range(deliveries)),
        ordeal=given,
        faults=(*given.faults, *own, *(_topic_faults(chance) if is_plain else ())),
    )


def _order(chance: random.Random, recordings: int) -> PlannedOrder:
    return PlannedOrder(
        recording=chance.randrange(recordings),
        point=chance.choice(_DEADLY if chance.random() < _ANY else _COMMON),
        skip=chance.choice((0, 0, 0, 0, 1)),
        freeze=chance.uniform(0.5, 3) if chance.random() < 0.3 else None,  # noqa: PLR2004 - three in ten
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
            {"kind": "error", "status": 404, "code": "8522"},
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
    # 0: until the faults of the schedule end.
    times = chance.choice((1, 1, 2, 3, 0))
    return {"operation": operation, "times": times, "skip": chance.choice((0, 0, 1, 3)), **chance.choice(kinds)}
