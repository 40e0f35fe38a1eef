"""The timeline of one recording: its pauses, and where its chunks end.

Times are seconds since the start of the recording. `advance` adds time without waiting. It moves the start into the
past, so a recording never ends in the future.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

EndReason = Literal["ChunkMaximumTimeExceeded", "SessionEnded"]


@dataclass(frozen=True, kw_only=True)
class Pause:
    started: datetime
    duration_ms: int


@dataclass(frozen=True, kw_only=True)
class Span:
    """One chunk: `duration_ms` of recorded time, pauses not counted."""

    started: datetime
    duration_ms: int
    pauses: tuple[Pause, ...]
    end_reason: EndReason


@dataclass(kw_only=True)
class Timeline:
    origin: datetime
    chunk_seconds: float
    _cuts: list[float] = field(default_factory=list)
    _pauses: list[tuple[float, float]] = field(default_factory=list)
    _paused_at: float | None = None

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    def elapsed(self, moment: datetime) -> float:
        return (moment - self.origin).total_seconds()

    def advance(self, seconds: float) -> None:
        self.origin -= timedelta(seconds=seconds)

    def pause(self, moment: datetime) -> None:
        if self._paused_at is None:
            self._paused_at = self.elapsed(moment)

    def resume(self, moment: datetime) -> None:
        if self._paused_at is not None:
            self._pauses.append((self._paused_at, self.elapsed(moment)))
            self._paused_at = None

    def cut(self, moment: datetime) -> None:
        self._cuts.append(self.elapsed(moment))

    def pauses(self, moment: datetime) -> tuple[Pause, ...]:
        return tuple(self._pause(begin, end) for begin, end in self._all_pauses(self.elapsed(moment)))

    def spans(self, moment: datetime) -> list[Span]:
        """The chunks of a recording that ends at `moment`. There is at least one. Only a single chunk may be empty."""
        end = self.elapsed(moment)
        pauses = self._all_pauses(end)
        pieces = [(a, b) for a, b in pairwise(self._boundaries(pauses, end)) if _recorded(pauses, a, b) > 0]
        pieces = pieces or [(0.0, end)]
        return [
            Span(
                started=self._at(a),
                duration_ms=round(_recorded(pauses, a, b) * 1000),
                pauses=tuple(self._pause(*overlap) for overlap in _overlaps(pauses, a, b)),
                end_reason="SessionEnded" if (a, b) == pieces[-1] else "ChunkMaximumTimeExceeded",
            )
            for a, b in pieces
        ]

    def _boundaries(self, pauses: list[tuple[float, float]], end: float) -> list[float]:
        boundaries = [0.0]
        while boundaries[-1] < end:
            full = _when_recorded(pauses, boundaries[-1], self.chunk_seconds)
            later_cuts = [cut for cut in self._cuts if cut > boundaries[-1]]
            boundaries.append(min([full, end, *later_cuts]))
        return boundaries

    def _all_pauses(self, end: float) -> list[tuple[float, float]]:
        running = [] if self._paused_at is None else [(self._paused_at, end)]
        return self._pauses + running

    def _pause(self, begin: float, end: float) -> Pause:
        return Pause(started=self._at(begin), duration_ms=round((end - begin) * 1000))

    def _at(self, seconds: float) -> datetime:
        return self.origin + timedelta(seconds=seconds)


def _overlaps(pauses: list[tuple[float, float]], a: float, b: float) -> list[tuple[float, float]]:
    return [(max(begin, a), min(end, b)) for begin, end in pauses if min(end, b) > max(begin, a)]


def _recorded(pauses: list[tuple[float, float]], a: float, b: float) -> float:
    return b - a - sum(end - begin for begin, end in _overlaps(pauses, a, b))


def _when_recorded(pauses: list[tuple[float, float]], begin: float, seconds: float) -> float:
    """The time when `seconds` have been recorded since `begin`, without pauses."""
    when = begin + seconds
    for start, end in sorted(pauses):
        if end > begin and start < when:
            when += end - max(start, begin)
    return when
