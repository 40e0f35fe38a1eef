"""What follows a failed attempt: another attempt and when, or the end and which.

With the defaults (10 s base, doubling, at most 30 min, 50 attempts) the pauses are 10 s, 20 s, 40 s … 21 min and then
half an hour each, give or take a fifth: the ninth attempt comes 42 minutes after the first, the fiftieth 21 hours.
Attempts go on after the deadline, which is only our estimate, until `Chunk.given_up_at`. `lost` needs proof: the source
answered 404 or 410 to at least five attempts in a row, over at least four hours, or its longest lifetime is over.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import CallvaultError, SourceError, SourceGone
from shared.records import Chunk
from shared.states import ChunkState

REPORT_HOURS = (12, 4, 1)  # before the deadline: an open chunk is reported then, louder each time
_LONGEST = 1800.0  # seconds between two attempts, whatever a Retry-After asks for
_JITTER = 0.2  # of the delay, either way, so that chunks that failed together don't come back together
_LAST_CHANCE = timedelta(minutes=5)  # before the deadline, and before the end of all attempts: an attempt is made then
_LATE_ATTEMPTS = 5  # with the default pauses they take two and a half minutes
_BY_MESSAGE = timedelta(minutes=5)  # a longer wait is left to the sweep
_GONE_ANSWERS = 5  # in a row: a file that isn't there may be late, or hidden by a failover
_GONE_FOR = timedelta(hours=4)  # from the first of those answers to the last


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When to try again. `base` in seconds."""

    base: float
    max_attempts: int

    def after(self, chunk: Chunk, error: CallvaultError, now: datetime) -> datetime | ChunkState:
        """The time of the next attempt, or the state in which the chunk ends: failed, or lost if its source is gone.

        `chunk` has counted this attempt's answer already, see `gone_after`. A source that answers that it has no such
        file doesn't use up attempts: they end when its absence is proved.
        """
        gone = isinstance(error, SourceGone)
        if gone and _is_proved_gone(chunk, now):
            return ChunkState.LOST
        if not error.retry or (chunk.attempts >= self.max_attempts and not gone):
            return ChunkState.FAILED
        delay = max(self._delay(chunk.attempts), min(error.retry_after or 0, _LONGEST))
        following = now + timedelta(seconds=delay)
        for end in (chunk.deadline, chunk.given_up_at):
            if now < end - _LAST_CHANCE < following:
                following = end - _LAST_CHANCE
        if following >= chunk.given_up_at:
            return ChunkState.LOST if gone else ChunkState.FAILED
        return following

    def is_last(self, chunk: Chunk, now: datetime) -> bool:
        """Whether this attempt may be the last that the source lives to see.

        A chunk that came after that moment, as by a dead letter, has had no attempt before it: one bad answer to the
        first proves nothing, so it gets a few.
        """
        if chunk.attempts >= self.max_attempts or now >= chunk.given_up_at - _LAST_CHANCE:
            return True
        last_chance = chunk.deadline - _LAST_CHANCE
        return now >= last_chance and (chunk.pending_at < last_chance or chunk.attempts >= _LATE_ATTEMPTS)

    def _delay(self, attempts: int) -> float:
        exponential = min(self.base * 2.0 ** min(attempts - 1, 30), _LONGEST)
        return exponential * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing


def is_soon(at: datetime, now: datetime) -> bool:
    """Whether a message with a delay brings an attempt. A later one is queued by the sweep, by its worklist row."""
    return at - now <= _BY_MESSAGE


def looked_at_by(chunk: Chunk, at: datetime, now: datetime) -> datetime:
    """When the sweep must look at a chunk that waits until `at`: not after the next moment to report or to end it."""
    reports = (chunk.deadline - timedelta(hours=hours) for hours in (*REPORT_HOURS, 0))
    return min([at, *(moment for moment in (chunk.given_up_at, *reports) if moment > now)])


def gone_after(chunk: Chunk, error: CallvaultError, now: datetime) -> dict[str, Any]:
    """The count of consecutive "gone" answers after this failure: any other answer of the source starts it anew."""
    if isinstance(error, SourceGone):
        return {"gone": chunk.gone + 1, "gone_since": chunk.gone_since or now}
    return {"gone": 0, "gone_since": None} if isinstance(error, SourceError) else {}


def _is_proved_gone(chunk: Chunk, now: datetime) -> bool:
    return chunk.gone >= _GONE_ANSWERS and chunk.gone_since is not None and now - chunk.gone_since >= _GONE_FOR
