"""Times in ACS's format, and the simulator's clock.

Like ACS, the simulator writes UTC with seven decimals, one more than most parsers expect.
"""

from datetime import UTC, datetime, timedelta

NO_TIME = "0001-01-01T00:00:00+00:00"
"""The value that .NET writes for a missing time."""


def now() -> datetime:
    return datetime.now(tz=UTC)


def after(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def acs_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def acs_time_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else acs_time(moment)
