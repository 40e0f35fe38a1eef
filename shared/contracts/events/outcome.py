"""The outcome of an event or callback that Callvault receives."""

from enum import StrEnum


class Outcome(StrEnum):
    QUEUED = "queued"
    UNCHANGED = "unchanged"
    ACCEPTED = "accepted"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
