"""Callvault's own errors: settings, messages, defects, interrupted work, and a lease that another worker holds."""

from shared.errors.base import CallvaultError, Fault


class OurError(CallvaultError):
    fault = Fault.OURS


class SettingsError(OurError):
    reason = "settings"
    title = "The app settings are wrong"

    def __init__(self, detail: str, findings: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.findings = findings


class InvalidJob(OurError):
    reason = "invalid-job"
    title = "The queue message isn't a valid job"


class Unforeseen(OurError):
    retry = True
    reason = "unforeseen"
    title = "An unexpected error occurred"


class UnreadableRow(OurError):
    reason = "row-unreadable"
    title = "This version can't read a row of the catalogue"


class Interrupted(OurError):
    retry = True
    status = 503
    reason = "interrupted"
    title = "The host interrupted the request"


class LeaseLost(OurError):
    reason = "lease-lost"
    title = "Another worker owns the chunk"
