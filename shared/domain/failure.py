"""The reason why a chunk failed, as one value."""

from dataclasses import dataclass
from typing import Self

from shared.errors import CallvaultError, Fault


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Whose fault it is, a stable `reason` for programs, and a `detail` sentence for people."""

    fault: Fault
    reason: str
    detail: str

    @classmethod
    def of(cls, error: CallvaultError) -> Self:
        return cls(fault=error.fault, reason=error.reason, detail=str(error))
