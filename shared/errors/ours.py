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


class NewerSchema(OurError):
    """A newer version of the app changed the data in a way that this version can't read."""

    retry = True  # by the host and Event Grid, until an app that can read the data is deployed
    status = 503
    reason = "schema-newer"
    title = "A newer version of Callvault wrote the data"

    @classmethod
    def of(cls, found: object, readable: int) -> "NewerSchema":
        """`found`: the data's version. `readable`: the newest that this app can read."""
        return cls(
            f"the data has schema version {found}, and this version of the app can read versions up to {readable}, so "
            "it changed nothing: deploy the newer version of the app again, or restore the data of this one"
        )


class Interrupted(OurError):
    retry = True
    status = 503
    reason = "interrupted"
    title = "The host interrupted the request"


class LeaseLost(OurError):
    reason = "lease-lost"
    title = "Another worker owns the chunk"
