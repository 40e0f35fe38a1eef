"""Times as ACS writes them, and the one clock of the simulator.

ACS writes UTC with seven decimals, one more than most parsers expect; so do we.
"""

from datetime import UTC, datetime, timedelta

NO_TIME = "0001-01-01T00:00:00+00:00"
"""What .NET writes where there is no time."""


def now() -> datetime:
    return datetime.now(tz=UTC)


def after(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def acs_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def acs_time_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else acs_time(moment)
