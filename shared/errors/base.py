"""The base of every error: whose fault it is, a stable reason, and whether to retry."""

from enum import StrEnum


class Fault(StrEnum):
    """Whose fault an error is."""

    CALLER = "caller"
    SOURCE = "source"
    DESTINATION = "destination"
    OURS = "ours"


class CallvaultError(Exception):
    """Root of the tree. `reason` is a stable slug for logs, states and problem types."""

    fault: Fault = Fault.OURS
    retry: bool = False
    status: int = 500
    reason: str = "internal-error"
    title: str = "Callvault failed"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: the seconds to wait, if the failing service named them."""
        super().__init__(detail)
        self.retry_after = retry_after
