"""The ends and the recorded time of chunks, for any order of pauses and cuts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from local.acs.calls.timeline import Timeline

ORIGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

moves = st.lists(
    st.tuples(st.sampled_from(["pause", "resume", "cut"]), st.integers(min_value=1, max_value=500)), max_size=12
)


def played(steps, chunk_seconds):
    timeline, seconds = Timeline(origin=ORIGIN, chunk_seconds=chunk_seconds), 0
    for move, wait in steps:
        seconds += wait
        getattr(timeline, move)(ORIGIN + timedelta(seconds=seconds))
    return timeline, ORIGIN + timedelta(seconds=seconds + 1)


@given(moves, st.integers(min_value=20, max_value=2000))
def test_chunks_have_all_recorded_time_and_none_is_too_long(steps, chunk_seconds):
    timeline, end = played(steps, chunk_seconds)
    spans = timeline.spans(end)
    paused_ms = sum(pause.duration_ms for pause in timeline.pauses(end))
    assert sum(span.duration_ms for span in spans) == round((end - ORIGIN).total_seconds() * 1000) - paused_ms
    assert all(span.duration_ms <= chunk_seconds * 1000 for span in spans)
    assert len(spans) == 1 or all(span.duration_ms > 0 for span in spans)


@given(moves, st.integers(min_value=20, max_value=2000))
def test_chunks_come_in_order_and_only_the_last_ends_the_session(steps, chunk_seconds):
    timeline, end = played(steps, chunk_seconds)
    spans = timeline.spans(end)
    starts = [span.started for span in spans]
    assert starts == sorted(set(starts))
    assert [span.end_reason for span in spans[:-1]] == ["ChunkMaximumTimeExceeded"] * (len(spans) - 1)
    assert spans[-1].end_reason == "SessionEnded"


def test_added_time_moves_the_beginning_into_the_past():
    timeline = Timeline(origin=ORIGIN, chunk_seconds=14_400)
    timeline.advance(3600)
    (span,) = timeline.spans(ORIGIN)
    assert span.started == ORIGIN - timedelta(hours=1)
    assert span.duration_ms == 3_600_000
