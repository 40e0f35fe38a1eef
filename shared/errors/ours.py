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
    title = "A queue message is no job of ours"


class Unforeseen(OurError):
    retry = True
    reason = "unforeseen"
    title = "Something failed that we did not foresee"


class UnreadableRow(OurError):
    reason = "row-unreadable"
    title = "A row of the catalogue can't be read by this version"


class Interrupted(OurError):
    retry = True
    status = 503
    reason = "interrupted"
    title = "The work was interrupted"


class LeaseLost(OurError):
    reason = "lease-lost"
    title = "Another worker owns the chunk"
