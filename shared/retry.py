"""What becomes of a chunk whose attempt failed: another attempt and when, or the end and which.

With the defaults (10 s base, doubling, at most 30 min, 50 attempts) the pauses are 10 s, 20 s, 40 s … 21 min and then
half an hour each, give or take a fifth: the ninth attempt comes 42 minutes after the first, the fiftieth 21 hours,
within the day that ACS keeps a file.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import CallvaultError, SourceGone
from shared.records import Chunk
from shared.states import ChunkState

_LONGEST = 1800.0  # seconds between two attempts, whatever a Retry-After asks for
_JITTER = 0.2  # of the delay, either way, so that chunks that failed together don't come back together
_LAST_CHANCE = timedelta(minutes=5)  # before the deadline: no attempt is planned after it, and one is at it
_GONE_ATTEMPTS = 5  # a file that isn't there may be late, or hidden by a failover; after so many looks it is lost


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When to try again. `base` in seconds."""

    base: float
    max_attempts: int

    def after(self, chunk: Chunk, error: CallvaultError, now: datetime) -> datetime | ChunkState:
        """The time of the next attempt, or the state in which the chunk ends: failed, or lost if its source is gone."""
        gone = isinstance(error, SourceGone)
        allowed = min(self.max_attempts, _GONE_ATTEMPTS) if gone else self.max_attempts
        delay = max(self._delay(chunk.attempts), min(error.retry_after or 0, _LONGEST))
        following = min(now + timedelta(seconds=delay), chunk.deadline - _LAST_CHANCE)
        if not error.retry or chunk.attempts >= allowed or following <= now:
            return ChunkState.LOST if gone else ChunkState.FAILED
        return following

    def _delay(self, attempts: int) -> float:
        exponential = min(self.base * 2.0 ** min(attempts - 1, 30), _LONGEST)
        return exponential * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing
