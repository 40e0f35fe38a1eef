"""How often schedules have the things for which the app retries or waits for two days.

A run that lasts two days takes as long as five others. So most schedules have none of these things, and end within a
day. A few have several of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Probabilities in one schedule."""

    of_calls: float  # that the schedule has calls
    of_slow_oddities: float  # of an odd recording
    of_replaced_media: float  # of archived media that somebody harms
    of_metadata_that_never_come: float  # of a source
    of_files_that_never_come: float  # of a call
    of_withheld_files: float  # of a call with several chunks


WITHIN_A_DAY = Shares(
    of_calls=0.35,
    of_slow_oddities=0,
    of_replaced_media=0,
    of_metadata_that_never_come=0,
    of_files_that_never_come=0,
    of_withheld_files=0,
)
TWO_DAYS = Shares(
    of_calls=0.8,
    of_slow_oddities=0.4,
    of_replaced_media=0.5,
    of_metadata_that_never_come=0.08,
    of_files_that_never_come=0.3,
    of_withheld_files=0.4,
)
