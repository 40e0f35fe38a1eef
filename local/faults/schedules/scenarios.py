"""Scenarios: sets of faults for one recording, each designed to detect certain defects.

A mixed schedule, which is the default, draws one scenario for each of its recordings.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HOUR = 3600.0
FREEZE = 4.0  # real seconds
Fault = dict[str, Any]  # for the simulator; `within` is in seconds of the product's clock


class Scenario(StrEnum):
    PLAIN = "plain"  # random faults of ACS
    GONE = "gone"  # 404 for a while, also between other failures
    RANGES = "ranges"  # several blocks; range requests are not always supported; the file changes
    LATE = "late"  # the event comes after the deadline, and the source answers 503 and 429 for a while
    NO_METADATA = "no-metadata"  # the metadata are never available, and the source expires
    ODD = "odd"  # an event with unusual or wrong fields
    TAMPERED = "tampered"  # someone changes the archive before the source is deleted
    TOPIC = "topic"  # the topic refuses announcements, or accepts them and returns an error
    EXPIRING = "expiring"  # the source expires while ACS answers errors
    GARBLED = "garbled"  # the source returns complete responses that aren't the file
    POISONED = "poisoned"  # its message moves to the poison queue while it waits for its next attempt
    FROZEN = "frozen"  # its worker freezes before the delete, and someone changes the archive meanwhile
    GAP = "gap"  # one of its chunks is never announced


class Tampering(StrEnum):
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, kw_only=True)
class Ordeal:
    """The faults of one recording. Times are in seconds of the product's clock."""

    faults: tuple[Fault, ...] = ()  # faults marked `stays` continue after the others have ended
    large: bool | None = None  # None: random
    life: float | None = None  # of the source; None: a day, or the rest of two days
    age: float = 0.0  # of the event when it is delivered
    odd: bool = False
    tampering: Tampering | None = None
    wants_media: bool = False  # the media must be archived even if the metadata fail
    frozen_at: str | None = None  # a point, for `FREEZE`
    poisoned: bool = False
    gap: bool = False
    alone: bool = False  # one chunk only, so all faults affect it


def ordeal(scenario: Scenario, rng: random.Random) -> Ordeal:
    return _ORDEALS[scenario](rng)


def _late(rng: random.Random) -> Ordeal:
    status: list[Fault] = [{"kind": "throttle", "retryAfter": rng.randint(0, 300)}, {"kind": "serverError"}]
    fault = {"operation": "download", "times": rng.randint(1, 3), "stays": True, **rng.choice(status)}
    return Ordeal(faults=(fault,), age=rng.uniform(24.1, 27) * HOUR)


def _no_metadata(rng: random.Random) -> Ordeal:
    answer = rng.choice(({"kind": "error", "status": 404}, {"kind": "serverError"}, {"kind": "empty"}))
    return Ordeal(
        faults=({"operation": "metadata", "times": 0, "stays": True, **answer},),
        life=rng.uniform(12, 16) * HOUR,
        wants_media=True,
    )


def _tampered(rng: random.Random) -> Ordeal:
    refusal = {"operation": "delete", "kind": "serverError", "times": 0}
    return Ordeal(faults=(refusal,), tampering=rng.choice(tuple(Tampering)))


def _topic(rng: random.Random) -> Ordeal:
    applied = rng.random() < 0.5  # noqa: PLR2004 - even odds
    fault = {"operation": "announce", "kind": "serverError", "applied": applied, "times": rng.randint(1, 3)}
    return Ordeal(faults=(fault,))


def _expiring(rng: random.Random) -> Ordeal:
    answer = rng.choice(({"kind": "serverError"}, {"kind": "throttle"}, {"kind": "unauthorized"}))
    fault = {"operation": "download", "times": 0, "stays": True, **answer}
    return Ordeal(faults=(fault,), life=rng.uniform(3, 5) * HOUR)


def _garbled(rng: random.Random) -> Ordeal:
    kinds = ({"kind": "corrupt", "offset": 0}, {"kind": "htmlBody"}, {"kind": "empty"})
    media = {"operation": "download", "times": rng.randint(1, 2), **rng.choice(kinds)}
    kinds = ({"kind": "swapMetadata"}, {"kind": "htmlBody"}, {"kind": "empty"})
    metadata = {"operation": "metadata", "times": rng.randint(1, 2), **rng.choice(kinds)}
    return Ordeal(faults=(media, metadata), large=False, alone=True)


def _poisoned(rng: random.Random) -> Ordeal:
    fault = {"operation": "download", "kind": "serverError", "times": rng.randint(4, 6), "stays": True}
    return Ordeal(faults=(fault,), poisoned=True)


def _gone(rng: random.Random) -> tuple[Fault, ...]:
    """Faults that continue after the others, because the retry pauses double.

    More than five 404s, because only five over at least four hours prove a loss. They end before four hours have
    passed, even on a slow machine, so the chunk must not be lost.
    """
    status = rng.choice((404, 404, 410))
    missing = {"operation": "download", "kind": "error", "status": status, "code": "8522", "stays": True}
    missing["within"] = 3 * HOUR
    if rng.random() < 0.5:  # noqa: PLR2004 - even odds
        failing = {"operation": "download", "kind": "serverError", "times": 4, "stays": True}
        return failing, missing | {"times": rng.randint(1, 3)}
    return (missing | {"times": rng.randint(6, 7)},)


def _ranges(rng: random.Random) -> tuple[Fault, ...]:
    """Faults in order: each request gets the first one that is left."""
    broken = {"operation": "download", "kind": "reset", "bytes": rng.randint(100_000, 900_000)}
    failing = {"operation": "download", "kind": "serverError"}
    whole = {"operation": "download", "kind": "ignoreRange"}
    match rng.randrange(4):
        case 0:  # at least blocks 0 and 1 are staged, then ranges are ignored, then supported again
            return failing | {"skip": 2, "times": 1}, whole | {"times": rng.randint(2, 4)}
        case 1:  # as 0, and the single stream breaks in the middle
            return (
                failing | {"skip": rng.randint(2, 3), "times": 1},
                broken | {"skip": 1, "times": 1, "bytes": rng.randint(1_200_000, 2_000_000)},
                whole | {"times": 6},
            )
        case 2:  # one range of another version; never all of it, which nobody could detect
            return ({"operation": "download", "kind": "otherVersion", "skip": rng.randint(1, 3), "times": 1},)
        case _:
            return whole | {"skip": rng.randint(0, 5), "times": 1}, broken | {"skip": rng.randint(0, 3)}


_ORDEALS: dict[Scenario, Callable[[random.Random], Ordeal]] = {
    Scenario.PLAIN: lambda _: Ordeal(),
    Scenario.GONE: lambda rng: Ordeal(faults=_gone(rng), alone=True),
    Scenario.RANGES: lambda rng: Ordeal(faults=_ranges(rng), large=True, alone=True),
    Scenario.LATE: _late,
    Scenario.NO_METADATA: _no_metadata,
    Scenario.ODD: lambda _: Ordeal(odd=True),
    Scenario.TAMPERED: _tampered,
    Scenario.TOPIC: _topic,
    Scenario.EXPIRING: _expiring,
    Scenario.GARBLED: _garbled,
    Scenario.POISONED: _poisoned,
    Scenario.FROZEN: lambda _: Ordeal(tampering=Tampering.REMOVE, frozen_at="archiving-after-writing-archived"),
    Scenario.GAP: lambda _: Ordeal(gap=True),
}
