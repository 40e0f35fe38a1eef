"""NCRONTAB schedules: six fields (second minute hour day month weekday), or five without the second; in UTC.

croniter finds the occurrences. It reads a larger language than the real host, which would let a schedule run here that
fails in Azure. So a schedule is first checked for what NCRONTAB has: `*`, a value, an ascending range or a list of
them, each with a step (`*/5`, `1-10/3`, `20/10` for "from 20 on"), and English names of months and weekdays.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from croniter import CroniterBadDateError, CroniterError, croniter

from local.host.errors import ConfigError

_WITHOUT_SECONDS = 5
_WITH_SECONDS = 6
_VALUE = r"(?:\d+|[a-z]{3})"
_ITEM = rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/\d+)?"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*")
_RANGE = re.compile(rf"({_VALUE})-({_VALUE})")
# Sunday is 0 only. croniter also takes 7.
_SUNDAY_AS_SEVEN = re.compile(r"(?:^|[,-])7")
_NUMBERS = croniter.ALPHACONV[3] | croniter.ALPHACONV[4]  # names of months, names of weekdays


@dataclass(frozen=True, kw_only=True)
class Schedule:
    expression: str

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Raises ConfigError for a schedule that the real host doesn't accept."""
        fields = expression.lower().split()
        if len(fields) == _WITHOUT_SECONDS:
            fields = ["0", *fields]
        if len(fields) != _WITH_SECONDS:
            raise ConfigError(f"schedule {expression!r} must have six fields: second minute hour day month weekday")
        for field in fields:
            if not _FIELD.fullmatch(field) or not _ascend(field):
                raise ConfigError(f"schedule {expression!r}: {field!r} isn't valid in NCRONTAB")
        if _SUNDAY_AS_SEVEN.search(fields[-1]):
            raise ConfigError(f"schedule {expression!r}: {fields[-1]!r} isn't a weekday (0 to 6)")
        schedule = cls(expression=" ".join(fields))
        try:
            croniter.expand(schedule.expression, second_at_beginning=True)
        except CroniterError as error:
            raise ConfigError(f"schedule {expression!r}: {error}") from None
        return schedule

    def after(self, moment: datetime) -> datetime | None:
        """The next occurrence later than the moment; None where there never is one (30 February)."""
        # Unlike cron, NCRONTAB requires day and weekday to match both.
        occurrences = croniter(self.expression, moment, ret_type=datetime, day_or=False, second_at_beginning=True)
        try:
            return occurrences.get_next(datetime)
        except CroniterBadDateError:
            return None


def _ascend(field: str) -> bool:
    """Whether each range ends above its start. croniter wraps `5-1`, and reads `5-5` as the field's whole range."""
    return all(_number(start) < _number(end) for start, end in _RANGE.findall(field))


def _number(value: str) -> int:
    return int(value) if value.isdigit() else _NUMBERS.get(value, 0)
