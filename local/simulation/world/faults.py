"""Faults of a single call to the outside: each way in which a call can end that isn't its answer."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What happens to one call. `Injected.seconds` says for how long, where a fault lasts."""

    NOT_SENT = "not sent"  # the request never arrives
    REFUSED = "refused"  # 503
    THROTTLED = "throttled"  # 429 or 503 with Retry-After
    ANSWER_LOST = "answer lost"  # applied, but no response arrives
    REPEATED = "repeated"  # applied, its response lost, and the SDK's retry is answered
    LATE = "applied late"  # no response arrives, and the request is applied some time later
    SLOW = "slow"  # the answer takes a long time
    DIES_BEFORE = "dies before"  # the process dies instead of sending the request
    DIES_AFTER = "dies after"  # the process dies when the request is applied
    HOST_STOPS = "host stops"  # the host and its process die when the request is applied: its messages stay hidden
    FREEZES_BEFORE = "freezes before"  # the process stands still, then sends the request
    FREEZES_AFTER = "freezes after"  # the request is applied, and the process stands still before it sees the answer


LASTING = {
    Fault.LATE: (1.0, 400.0),
    Fault.SLOW: (0.5, 900.0),
    Fault.FREEZES_BEFORE: (5.0, 1200.0),
    Fault.FREEZES_AFTER: (5.0, 1200.0),
}  # shortest and longest time in seconds


@dataclass(frozen=True, kw_only=True)
class Injected:
    """A fault of the call with this number in the run."""

    call: int
    fault: Fault
    seconds: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.0f} s" if self.seconds else ""
        return f"call {self.call}: {self.fault}{lasts}"


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A service that can't be reached for a time. Times are seconds since the beginning of the run."""

    service: str
    begins: float
    ends: float

    def __str__(self) -> str:
        return f"{self.service} away from {self.begins:.0f} s to {self.ends:.0f} s"
