"""What every error tells: whose fault it is, a stable reason, and whether to try again."""

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
    title: str = "Something failed on our side"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds that the failing side asked us to wait, when it did."""
        super().__init__(detail)
        self.retry_after = retry_after
