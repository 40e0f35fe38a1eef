"""Timers run when their NCRONTAB schedule says. A sweep that runs late or never could lose recordings."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.errors import ConfigError
from local.host.triggers.timer_schedules import Schedule


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "start", "due"),
    [
        ("* * * * * *", "2026-11-21 10:00:00", "2026-11-21 10:00:01"),
        ("0 * * * * *", "2026-11-21 10:00:00", "2026-11-21 10:01:00"),
        ("0 */5 * * * *", "2026-11-21 10:57:01", "2026-11-21 11:00:00"),
        ("30 10-20/5 * * * *", "2026-11-21 10:16:00", "2026-11-21 10:20:30"),
        ("0 50/5 * * * *", "2026-11-21 10:00:00", "2026-11-21 10:50:00"),
        ("0 5,35 * * * *", "2026-11-21 10:05:00", "2026-11-21 10:35:00"),
        ("0 0 6 * * mon-fri", "2026-11-21 00:00:00", "2026-11-23 06:00:00"),
        ("0 0 0 * * SUN", "2026-11-21 00:00:00", "2026-11-22 00:00:00"),
        ("0 0 0 1 jan *", "2026-11-21 00:00:00", "2027-01-01 00:00:00"),
        ("0 0 0 29 2 *", "2026-11-21 00:00:00", "2028-02-29 00:00:00"),
        ("0 0 0 13 * 5", "2026-11-21 00:00:00", "2027-08-13 00:00:00"),
        ("*/15 * * * *", "2026-11-21 10:00:00", "2026-11-21 10:15:00"),
        ("0 0 0 1 1 *", "2026-12-31 23:59:59.999", "2027-01-01 00:00:00"),
    ],
)
def test_the_next_occurrence_follows_the_schedule(expression: str, start: str, due: str) -> None:
    assert Schedule.parse(expression).after(moment(start)) == moment(due)


def test_a_day_that_never_comes_has_no_occurrence() -> None:
    assert Schedule.parse("0 0 0 30 2 *").after(moment("2026-11-21 00:00:00")) is None


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 0 0 0", "six fields"),
        ("00:05:00", "six fields"),
        ("@hourly", "six fields"),
        ("0 0 0 1 1 * 2030", "six fields"),
        ("60 * * * * *", "out of range"),
        ("* * 24 * * *", "out of range"),
        ("* * * 0 * *", "out of range"),
        ("* * * * 13 *", "out of range"),
        ("* * * * * 7", "'7' isn't a weekday"),
        ("* * * * * 1-7", "'1-7' isn't a weekday"),
        ("*/0 * * * * *", "not acceptable"),
        ("5-1 * * * * *", "'5-1' isn't valid"),
        ("5-5/2 * * * * *", "'5-5/2' isn't valid"),
        ("* * * * * fri-mon", "'fri-mon' isn't valid"),
        ("0 0 0 ? * *", "'\\?' isn't valid"),
        ("0 0 0 L * *", "'l' isn't valid"),
        ("0 0 0 * * mon#2", "'mon#2' isn't valid"),
        ("r * * * * *", "'r' isn't valid"),
        ("mon * * * * *", "not acceptable"),
    ],
)
def test_a_schedule_that_is_not_ncrontab_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Schedule.parse(expression)


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(1, 59),
)
def test_no_occurrence_is_skipped(start: datetime, step: int) -> None:
    """No minute between the start and the next occurrence matches."""
    due = Schedule.parse(f"0 */{step} * * * *").after(start)
    assert due is not None
    assert start < due
    assert due.minute % step == due.second == due.microsecond == 0
    minute = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute < due:
        assert minute.minute % step
        minute += timedelta(minutes=1)
