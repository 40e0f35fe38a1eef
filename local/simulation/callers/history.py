"""What callers and ACS sent to the app, and which of it the app confirmed. The judges compare storage with it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from local.simulation.world.sources import Source


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A callback that the app acknowledged. `body` is its text if nobody can parse it."""

    kind: str | None
    recording_id: str | None = None
    has_start: bool = False  # whether its URL names a start
    at: float  # when it was acknowledged
    unreadable: Any = None


@dataclass
class History:
    """By recordingId: how often each action was requested, and how often it was confirmed."""

    requested: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confirmed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    started: dict[str, str] = field(default_factory=dict)  # recordingIds that callers got, with the call's name
    keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # of callers' starts, by call
    answered: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # recordingIds, by Idempotency-Key
    refused: Counter[str] = field(default_factory=Counter)  # answered starts that were refused later, by key
    reported: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # calls: acknowledged reports
    callbacks: list[Callback] = field(default_factory=list)
    published: dict[str, list[Source]] = field(default_factory=lambda: defaultdict(list))  # by recordingId
    running: list[str] = field(default_factory=list)  # recordings that still ran after the app confirmed their stop
    poisoned: list[str] = field(default_factory=list)  # poison messages that the app confirmed
    resubmitted: int = 0  # requests to replay a quarantined event
