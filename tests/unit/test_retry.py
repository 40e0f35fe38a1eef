"""A retry too early burns attempts, one too late meets a destroyed source."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import DestinationConflict, SourceGone, SourceNotAllowed, SourceThrottled, SourceUnavailable
from shared.records import Chunk
from shared.retry import RetryPolicy
from shared.states import ChunkState

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
POLICY = RetryPolicy(base=10, max_attempts=50)


def chunk(*, attempts: int = 1, deadline: timedelta = timedelta(hours=20)) -> Chunk:
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
        event_time=NOW,
        deadline=NOW + deadline,
        pending_at=NOW,
        state=ChunkState.COPYING,
        attempts=attempts,
    )


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 1800), (10, 1800), (49, 1800)]
)
def test_the_pause_doubles_up_to_half_an_hour_give_or_take_a_fifth(attempts: int, seconds: int):
    for _ in range(50):
        following = POLICY.after(chunk(attempts=attempts), SourceUnavailable("down"), NOW)
        assert isinstance(following, datetime)
        assert 0.8 * seconds <= (following - NOW).total_seconds() <= 1.2 * seconds


def test_chunks_that_failed_together_do_not_come_back_together():
    times = {POLICY.after(chunk(), SourceUnavailable("down"), NOW) for _ in range(20)}
    assert len(times) > 10


def test_a_source_that_says_how_long_to_wait_is_given_that_long():
    following = POLICY.after(chunk(), SourceThrottled("busy", retry_after=300), NOW)
    assert following == NOW + timedelta(seconds=300)


def test_the_last_attempt_comes_five_minutes_before_the_deadline_and_none_after_it():
    down = SourceUnavailable("down")
    assert POLICY.after(chunk(attempts=9, deadline=timedelta(minutes=15)), down, NOW) == NOW + timedelta(minutes=10)
    assert POLICY.after(chunk(attempts=9, deadline=timedelta(minutes=5)), down, NOW) is ChunkState.FAILED
    assert POLICY.after(chunk(attempts=1, deadline=timedelta(minutes=-5)), down, NOW) is ChunkState.FAILED


def test_a_source_can_t_put_us_off_past_half_an_hour():
    following = POLICY.after(chunk(), SourceThrottled("busy", retry_after=1e9), NOW)
    assert following == NOW + timedelta(seconds=1800)


@pytest.mark.parametrize("error", [SourceNotAllowed("host"), DestinationConflict("other file")])
def test_what_trying_again_cannot_mend_ends_at_once(error: Exception):
    assert POLICY.after(chunk(), error, NOW) is ChunkState.FAILED  # type: ignore[arg-type]


def test_a_missing_source_is_looked_for_five_times_and_then_lost():
    gone = SourceGone("404")
    assert isinstance(POLICY.after(chunk(attempts=4), gone, NOW), datetime)
    assert POLICY.after(chunk(attempts=5), gone, NOW) is ChunkState.LOST


def test_attempts_run_out():
    assert POLICY.after(chunk(attempts=50), SourceUnavailable("down"), NOW) is ChunkState.FAILED
