"""A retry that comes too early wastes an attempt. A retry that comes too late finds no source."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.archiving.retry import RetryPolicy, count_gone
from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.errors import (
    DestinationConflict,
    DestinationUnavailable,
    MetadataMissing,
    SourceGone,
    SourceNotAllowed,
    SourceThrottled,
    SourceUnavailable,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
POLICY = RetryPolicy(base=10, max_attempts=50, random_source=RandomSource())


HOUR = timedelta(hours=1)


def chunk(
    *, attempts: int = 1, deadline: timedelta = 20 * HOUR, age: timedelta = 4 * HOUR, gone: int = 0, **more: Any
) -> Chunk:
    """A chunk whose event is `age` old."""
    return Chunk(
        recording_key="0" * 32,
        chunk_key="1" * 32,
        document_id="d",
        index=0,
        content_location="c",
        metadata_location="m",
        delete_location="d",
        started_at=NOW,
        event_id="e",
        event_time=NOW - age,
        deadline=NOW + deadline,
        pending_at=more.pop("pending_at", NOW - age),
        state=ChunkState.COPYING,
        attempts=attempts,
        gone=gone,
        **more,
    )


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 1800), (10, 1800), (49, 1800)]
)
def test_the_delay_doubles_up_to_half_an_hour_within_20_percent(attempts: int, seconds: int):
    for _ in range(50):
        following = POLICY.after(chunk(attempts=attempts), SourceUnavailable("down"), NOW)
        assert isinstance(following, datetime)
        assert 0.8 * seconds <= (following - NOW).total_seconds() <= 1.2 * seconds


def test_chunks_that_failed_together_are_retried_at_different_times():
    times = {POLICY.after(chunk(), SourceUnavailable("down"), NOW) for _ in range(20)}
    assert len(times) > 10


def test_retry_after_is_respected():
    following = POLICY.after(chunk(), SourceThrottled("busy", retry_after=300), NOW)
    assert following == NOW + timedelta(seconds=300)


DOWN = SourceUnavailable("down")


def test_an_attempt_is_made_five_minutes_before_the_deadline_and_more_after_it():
    before = chunk(attempts=9, deadline=timedelta(minutes=15))
    assert POLICY.after(before, DOWN, NOW) == NOW + timedelta(minutes=10)
    for left in (5, 4, 0, -600):
        following = POLICY.after(chunk(attempts=9, deadline=timedelta(minutes=left)), DOWN, NOW)
        assert isinstance(following, datetime)
        assert following <= NOW + 0.6 * HOUR


def test_the_last_attempt_is_made_five_minutes_before_the_source_must_be_gone():
    late = chunk(attempts=9, deadline=-24 * HOUR, age=47.8 * HOUR)
    assert POLICY.after(late, DOWN, NOW) == NOW + timedelta(minutes=7)
    ended = chunk(attempts=9, deadline=-24 * HOUR, age=47.95 * HOUR)
    assert POLICY.after(ended, DOWN, NOW) is ChunkState.FAILED
    assert POLICY.after(ended, SourceGone("404"), NOW) is ChunkState.LOST


def test_a_chunk_that_is_restarted_late_gets_an_hour_of_attempts():
    restarted = chunk(age=70 * HOUR, deadline=-46 * HOUR, pending_at=NOW - timedelta(minutes=30))
    assert isinstance(POLICY.after(restarted, DOWN, NOW), datetime)
    assert POLICY.after(restarted.evolve(pending_at=NOW - HOUR), DOWN, NOW) is ChunkState.FAILED


@pytest.mark.parametrize(
    ("attempts", "left", "last"),
    [(49, 20 * HOUR, False), (50, 20 * HOUR, True), (1, HOUR / 12, True), (1, -HOUR, True)],
)
def test_an_attempt_is_the_last_if_the_source_may_expire_before_another(attempts: int, left: timedelta, last: bool):
    assert POLICY.is_last(chunk(attempts=attempts, deadline=left), NOW) is last


@pytest.mark.parametrize(("attempts", "last"), [(1, False), (4, False), (5, True)])
def test_a_chunk_that_arrives_after_its_deadline_gets_five_attempts(attempts: int, last: bool):
    late = chunk(attempts=attempts, age=30 * HOUR, deadline=-6 * HOUR, pending_at=NOW - timedelta(minutes=1))
    assert POLICY.is_last(late, NOW) is last


def test_the_attempt_before_the_source_s_longest_lifetime_ends_is_the_last():
    late = chunk(attempts=1, age=70 * HOUR, deadline=-46 * HOUR, pending_at=NOW - timedelta(minutes=56))
    assert POLICY.is_last(late, NOW)


def test_retry_after_is_limited_to_half_an_hour():
    following = POLICY.after(chunk(), SourceThrottled("busy", retry_after=1e9), NOW)
    assert following == NOW + timedelta(seconds=1800)


@pytest.mark.parametrize("error", [SourceNotAllowed("host"), DestinationConflict("other file")])
def test_an_error_that_a_retry_cannot_fix_ends_the_chunk_at_once(error: Exception):
    assert POLICY.after(chunk(), error, NOW) is ChunkState.FAILED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "span", "lost"),
    [(5, 4 * HOUR, True), (4, 9 * HOUR, False), (5, 3.99 * HOUR, False), (99, 4 * HOUR, True)],
)
def test_a_missing_source_is_lost_after_five_answers_over_four_hours(answers: int, span: timedelta, lost: bool):
    following = POLICY.after(chunk(attempts=50, gone=answers, gone_since=NOW - span), SourceGone("404"), NOW)
    assert (following is ChunkState.LOST) is lost
    assert lost or isinstance(following, datetime), "404 answers don't count against the maximum of attempts"


def test_only_404_and_410_are_counted_and_any_other_answer_resets_the_count():
    first = chunk(gone=2, gone_since=NOW - HOUR)
    assert count_gone(first, SourceGone("404"), NOW) == first.evolve(gone=3)
    assert count_gone(chunk(), SourceGone("404"), NOW) == chunk(gone=1, gone_since=NOW)
    assert count_gone(first, DestinationUnavailable("down"), NOW) == first
    for other in (DOWN, SourceThrottled("busy"), MetadataMissing("404")):
        assert count_gone(first, other, NOW) == chunk()


def test_a_chunk_fails_after_the_maximum_of_attempts():
    assert POLICY.after(chunk(attempts=50), SourceUnavailable("down"), NOW) is ChunkState.FAILED
