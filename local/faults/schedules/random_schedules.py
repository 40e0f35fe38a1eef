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
    rng = random.Random(seed)  # noqa: S311 - the same seed must give the same schedule
    recordings = tuple(_recording(rng, rng.choice(scenarios)) for _ in range(rng.randint(1, 3)))
    orders = tuple(_order(rng, len(recordings)) for _ in range(rng.choice((0, 1, 2, 3, 4))))
    return Schedule(seed=seed, recordings=recordings, orders=orders)


def _recording(rng: random.Random, scenario: Scenario) -> PlannedRecording:
    given = ordeal(scenario, rng)
    is_large = given.large if given.large is not None else rng.random() < 0.25  # noqa: PLR2004 - one in four
    deliveries = rng.choice((1, 1, 2, 3))
    is_plain = scenario is Scenario.PLAIN
    # The player delivers the event itself if the event or its documents are modified.
    by_hand = (given.odd, given.tampering, given.life, given.age, given.gap, given.poisoned, given.alone)
    announcement: Announcement = "plain"
    if not any(by_hand):
        announcement = rng.choice(("plain", "plain", "plain", "siblings", "duplicate", "eventNever"))
    own = tuple(_fault(rng) for _ in range(rng.choice((0, 1, 1, 2, 3, 4)))) if is_plain else ()
    return PlannedRecording(
        scenario=scenario,
        order={
            "size": rng.randint(*(_BLOCKS if is_large else _SMALL)),
            "format": rng.choice(("wav", "mp3", "mp4")),
            "count": 3 if given.gap else 1 if given.alone else rng.randint(1, 3),
            "seed": rng.randrange(1 << 20),
            "vintage": "current" if given.odd or given.gap else rng.choice(_VINTAGES),
            "redirects": rng.random() < _ODDITY,
            "quirks": rng.random() < _ODDITY,
            "shuffle": rng.random() < _ODDITY,
            "omitTypes": rng.random() < _OMISSION,
        },
        announcement=announcement,
        entrance=rng.choice(("trigger", "trigger", "api", "cloud event")),
        oddity=rng.choice(tuple(ODDITIES)) if given.odd else None,
        starts_after=rng.uniform(0, 3),
        deliveries=deliveries,
        pauses=tuple(rng.uniform(0, 2) for _ in range(deliveries)),
        ordeal=given,
        faults=(*given.faults, *own, *(_topic_faults(rng) if is_plain else ())),
    )


def _order(rng: random.Random, recordings: int) -> PlannedOrder:
    return PlannedOrder(
        recording=rng.randrange(recordings),
        point=rng.choice(_DEADLY if rng.random() < _ANY else _COMMON),
        skip=rng.choice((0, 0, 0, 0, 1)),
        freeze=rng.uniform(0.5, 3) if rng.random() < 0.3 else None,  # noqa: PLR2004 - three in ten
    )


def _topic_faults(rng: random.Random) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [
        {"kind": "throttle", "retryAfter": rng.randint(0, 60)},
        {"kind": "serverError", "status": rng.choice((500, 503))},
        {"kind": "serverError", "applied": True},
        {"kind": "unauthorized"},
        {"kind": "reset"},
        {"kind": "delayAnswer", "seconds": round(rng.uniform(0.1, 1.5), 2)},
    ]
    return [
        {"operation": "announce", "times": rng.choice((1, 1, 2, 3, 0)), **rng.choice(kinds)}
        for _ in range(rng.choice((0, 1, 2)))
    ]


def _fault(rng: random.Random) -> dict[str, Any]:
    operation = rng.choice(("download", "download", "metadata", "delete"))
    kinds: list[dict[str, Any]] = [
        {"kind": "throttle", "retryAfter": rng.randint(0, 120)},
        {"kind": "serverError", "status": rng.choice((500, 502, 503, 504))},
        {"kind": "html"},
        {"kind": "unauthorized"},
        {"kind": "reset"},
        {"kind": "delayAnswer", "seconds": round(rng.uniform(0.1, 1.5), 2)},
    ]
    if operation == "delete":
        kinds += [{"kind": kind, "applied": True} for kind in ("serverError", "reset", "html")]
    else:
        kinds += [
            {"kind": "error", "status": 404, "code": "8522"},
            {"kind": "reset", "bytes": rng.randint(0, 900)},
            {"kind": "short", "bytes": rng.randint(0, 900)},
            {"kind": "empty"},
            {"kind": "htmlBody"},
            {"kind": "slow", "bytesPerSecond": rng.randint(100_000, 2_000_000)},
            {"kind": "redirect", "host": "media.example.net"},
            {"kind": "redirect", "loop": True},
        ]
    if operation == "download":
        kinds += [{"kind": "ignoreRange"}, {"kind": "corrupt", "offset": 0}]
    if operation == "metadata":
        kinds.append({"kind": "swapMetadata"})
    # 0: until the faults of the schedule end.
    times = rng.choice((1, 1, 2, 3, 0))
    return {"operation": operation, "times": times, "skip": rng.choice((0, 0, 1, 3)), **rng.choice(kinds)}
