"""A tally: numbers of the chunks that ended in a quarter of an hour. Tallies can be added in any order."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import add
from typing import Self

from shared.domain.records import Chunk
from shared.domain.states import ChunkState

QUARTER = timedelta(minutes=15)
# Upper bounds of a histogram's bars, in seconds until a chunk was safe. One more bar has the longer times.
BOUNDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The numbers of chunks that became safe, failed or were lost. Sizes in bytes, times in seconds."""

    safe: int = 0
    size: int = 0
    failed: int = 0
    lost: int = 0
    seconds: float = 0  # until safe, summed over all chunks
    longest: float = 0
    spread: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        """The tally of one chunk. Empty unless the chunk became safe, failed or was lost."""
        match chunk.state:
            case ChunkState.ARCHIVED if chunk.archived_at is not None:
                # The sender's clock may be ahead of ours.
                seconds = max((chunk.archived_at - chunk.event_time).total_seconds(), 0)
                bar = bisect_left(BOUNDS, seconds)
                spread = tuple(int(number == bar) for number in range(len(BOUNDS) + 1))
                return cls(safe=1, size=chunk.size or 0, seconds=seconds, longest=seconds, spread=spread)
            case ChunkState.FAILED:
                return cls(failed=1)
            case ChunkState.LOST:
                return cls(lost=1)
        return cls()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            safe=self.safe + other.safe,
            size=self.size + other.size,
            failed=self.failed + other.failed,
            lost=self.lost + other.lost,
            seconds=self.seconds + other.seconds,
            longest=max(self.longest, other.longest),
            spread=tuple(map(add, self.spread, other.spread)),
        )


def ended_at(chunk: Chunk) -> datetime | None:
    """When a chunk became safe, failed or was lost. None if it hasn't ended."""
    times = {
        ChunkState.ARCHIVED: chunk.archived_at,
        ChunkState.FAILED: chunk.failed_at,
        ChunkState.LOST: chunk.lost_at,
    }
    return times.get(chunk.state)


def quarter_of(at: datetime) -> datetime:
    """The start of the quarter of an hour that contains this time."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
