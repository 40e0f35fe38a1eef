"""Decides what follows a failed attempt: the time of the next attempt, or the state in which the chunk ends.

With the defaults (10 s base, doubling, at most 30 min, 50 attempts) the pauses are 10 s, 20 s, 40 s … 21 min and then
half an hour each, with a random deviation of up to 20 %. The ninth attempt comes about 42 minutes after the first, the
fiftieth about 21 hours after it. The deadline is an estimate, so attempts continue until `Chunk.given_up_at`. A chunk
is `lost` only if the source answered 404 or 410 to at least five attempts in a row, over at least four hours, or if its
longest possible lifetime has passed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk
from shared.domain.states import ChunkState, GivenUp
from shared.errors import CallvaultError, SourceError, SourceGone

REPORT_HOURS = (12, 4, 1)  # hours before the deadline at which an open chunk is reported
_LONGEST = 1800.0  # most seconds between two attempts, also if a Retry-After header asks for more
_JITTER = 0.2  # fraction of the delay, up or down, so that chunks that failed together aren't retried together
# An attempt is always made this long before the deadline, and this long before the end of all attempts.
_LAST_CHANCE = timedelta(minutes=5)
_LATE_ATTEMPTS = 5  # attempts of a chunk that comes late; with the default pauses they take two and a half minutes
_BY_MESSAGE = timedelta(minutes=5)  # a longer wait is left to the sweep
_GONE_ANSWERS = 5  # in a row; a single 404 may come from a delay or a failover
_GONE_FOR = timedelta(hours=4)  # from the first of those answers to the last


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Which attempt this is: the first, and the last before the source may expire. It may be both, or neither."""

    is_first: bool
    is_last: bool


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When to retry. `base` is the first delay, in seconds."""

    base: float
    max_attempts: int
    random_source: RandomSource

    def after(self, chunk: Chunk, error: CallvaultError, now: datetime) -> datetime | GivenUp:
        """The time of the next attempt, or the state in which the chunk ends: failed, or lost if its source is gone.

        `chunk` includes this attempt's answer, see `count_gone`. Answers of 404 and 410 don't count against
        `max_attempts`: those attempts end when the source is proved to be gone.
        """
        gone = isinstance(error, SourceGone)
        if gone and _is_proved_gone(chunk, now):
            return ChunkState.LOST
        if not error.retry or (chunk.attempts >= self.max_attempts and not gone):
            return ChunkState.FAILED
        asked = timedelta(seconds=min(error.retry_after or 0, _LONGEST))
        following = now + max(self.pause(chunk.attempts), asked)
        for end in (chunk.deadline, chunk.given_up_at):
            if now < end - _LAST_CHANCE < following:
                following = end - _LAST_CHANCE
        if following >= chunk.given_up_at:
            return ChunkState.LOST if gone else ChunkState.FAILED
        return following

    def is_last(self, chunk: Chunk, now: datetime) -> bool:
        """Whether the source may expire before another attempt.

        If the event came late, for example from a dead letter, the chunk had no attempt before that time. One bad
        answer proves nothing, so such a chunk gets five attempts before one counts as its last.
        """
        if chunk.attempts >= self.max_attempts or now >= chunk.given_up_at - _LAST_CHANCE:
            return True
        last_chance = chunk.deadline - _LAST_CHANCE
        return now >= last_chance and (chunk.pending_at < last_chance or chunk.attempts >= _LATE_ATTEMPTS)

    def pause(self, attempts: int) -> timedelta:
        """The time from an attempt's failure to the next attempt, after this many attempts."""
        exponential = min(self.base * 2.0 ** min(attempts - 1, 30), _LONGEST)
        return timedelta(seconds=exponential * self.random_source.between(1 - _JITTER, 1 + _JITTER))


def is_soon(at: datetime, now: datetime) -> bool:
    """Whether a delayed queue message triggers the attempt. The sweep triggers attempts that are further away."""
    return at - now <= _BY_MESSAGE


def check_due_at(chunk: Chunk, at: datetime, now: datetime) -> datetime:
    """When the sweep must check a chunk whose next attempt is at `at`: then, or earlier to report it or to end it."""
    reports = (chunk.deadline - timedelta(hours=hours) for hours in (*REPORT_HOURS, 0))
    return min([at, *(moment for moment in (chunk.given_up_at, *reports) if moment > now)])


def count_gone(chunk: Chunk, error: CallvaultError, now: datetime) -> Chunk:
    """Counts consecutive answers of 404 and 410. Any other source error resets the count."""
    if isinstance(error, SourceGone):
        return chunk.evolve(gone=chunk.gone + 1, gone_since=chunk.gone_since or now)
    return chunk.evolve(gone=0, gone_since=None) if isinstance(error, SourceError) else chunk


def _is_proved_gone(chunk: Chunk, now: datetime) -> bool:
    return chunk.gone >= _GONE_ANSWERS and chunk.gone_since is not None and now - chunk.gone_since >= _GONE_FOR
