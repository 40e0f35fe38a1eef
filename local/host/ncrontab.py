"""NCRONTAB schedules: six fields (second minute hour day month weekday), or five without the second; in UTC.

A field is `*`, a value, a range or a list of them, each with a step: `*/5`, `1-10/3`, `20/10` (from 20 on). Months and
weekdays also go by their English names. Unlike cron, day and weekday must both match.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from local.host.errors import ConfigError

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_WEEKDAYS = {name: number for number, name in enumerate(_DAY_NAMES)}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 6, _WEEKDAYS),
)
_WITHOUT_SECONDS = 5
# A leap day that falls on a given weekday comes within 28 years, 40 where a century skips one.
_HORIZON_YEARS = 40


@dataclass(frozen=True, kw_only=True)
class Schedule:
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Raises ConfigError naming the field that is wrong."""
        texts = expression.split()
        if len(texts) == _WITHOUT_SECONDS:
            texts = ["0", *texts]
        if len(texts) != len(_FIELDS):
            raise ConfigError(f"schedule {expression!r} must have six fields: second minute hour day month weekday")
        values = []
        for text, (name, low, high, names) in zip(texts, _FIELDS, strict=True):
            try:
                values.append(tuple(sorted(set(_field(text.lower(), low, high, names)))))
            except ValueError:
                raise ConfigError(f"schedule {expression!r}: {text!r} is no {name} ({low} to {high})") from None
        seconds, minutes, hours, days, months, weekdays = values
        return cls(
            seconds=seconds,
            minutes=minutes,
            hours=hours,
            days=frozenset(days),
            months=frozenset(months),
            weekdays=frozenset(weekdays),
        )

    def after(self, moment: datetime) -> datetime | None:
        """The next occurrence later than the moment; None where there never is one (30 February)."""
        earliest = moment.replace(microsecond=0) + timedelta(seconds=1)
        for day in self._days_from(earliest.date()):
            floor = (earliest.hour, earliest.minute, earliest.second) if day == earliest.date() else (0, 0, 0)
            for hour in self.hours:
                for minute in self.minutes:
                    if (hour, minute) < floor[:2]:
                        continue
                    for second in self.seconds:
                        if (hour, minute, second) >= floor:
                            return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=moment.tzinfo)
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, first.year + _HORIZON_YEARS + 1):
            for month in sorted(self.months):
                for number in range(1, monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= first and number in self.days and day.isoweekday() % 7 in self.weekdays:
                        yield day


def _field(text: str, low: int, high: int, names: dict[str, int]) -> Iterator[int]:
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _value(start, names)
            last = _value(end, names) if dash else (high if step > 1 else first)
        if step < 1 or not low <= first <= last <= high:
            raise ValueError(part)
        yield from range(first, last + 1, step)


def _value(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)
