"""Faults that tests request: the kind, the operation, the recording, document or call, and the number of times.

A fault that doesn't apply to the operation is refused, because a test with it could pass without any fault.
"""

import time
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from local.acs.errors import ControlError
from local.acs.identifiers import new_guid

Operation = Literal["start", "get", "stop", "pause", "resume", "download", "metadata", "delete", "event", "announce"]
Kind = Literal[
    "throttle",
    "serverError",
    "html",
    "unauthorized",
    "error",
    "accepted",
    "short",
    "reset",
    "empty",
    "slow",
    "redirect",
    "htmlBody",
    "corrupt",
    "ignoreRange",
    "otherVersion",
    "swapMetadata",
    "siblings",
    "eventBeforeAnswer",
    "eventNever",
    "duplicate",
    "delayAnswer",
    "nonsense",
]

REST: frozenset[Operation] = frozenset({"start", "get", "stop", "pause", "resume"})
BODIES: frozenset[Operation] = frozenset({"download", "metadata"})
ANSWERS: frozenset[Operation] = REST | BODIES | {"delete", "announce"}

FITTING: dict[Kind, tuple[frozenset[Operation], frozenset[str]]] = {
    # kind: the operations that it applies to, its parameters
    "throttle": (ANSWERS, frozenset({"retry_after"})),
    "serverError": (ANSWERS, frozenset({"status", "retry_after", "applied"})),
    "html": (ANSWERS, frozenset({"status", "content_type", "applied"})),
    "unauthorized": (ANSWERS, frozenset()),
    "error": (ANSWERS, frozenset({"status", "code", "message", "applied"})),
    "accepted": (frozenset({"start"}), frozenset({"unnamed", "fails"})),
    "short": (BODIES, frozenset({"bytes", "declared"})),
    "reset": (ANSWERS, frozenset({"bytes", "applied"})),
    "empty": (BODIES, frozenset()),
    "slow": (BODIES, frozenset({"bytes_per_second"})),
    "redirect": (BODIES, frozenset({"host", "loop"})),
    "htmlBody": (BODIES, frozenset()),
    "corrupt": (BODIES, frozenset({"offset"})),
    "ignoreRange": (BODIES, frozenset()),
    "otherVersion": (frozenset({"download"}), frozenset()),
    "swapMetadata": (frozenset({"metadata"}), frozenset({"other_document_id"})),
    "siblings": (frozenset({"event"}), frozenset()),
    "eventBeforeAnswer": (frozenset({"start", "event"}), frozenset({"seconds"})),
    "eventNever": (frozenset({"event"}), frozenset()),
    "duplicate": (frozenset({"event"}), frozenset({"copies"})),
    "delayAnswer": (ANSWERS, frozenset({"seconds"})),
    "nonsense": (REST, frozenset({"text", "content_type", "applied"})),
}
NEEDED: dict[Kind, str] = {"nonsense": "text", "slow": "bytes_per_second", "delayAnswer": "seconds", "error": "status"}
SELECTORS = frozenset(
    {"operation", "kind", "times", "skip", "within_seconds", "recording_id", "document_id", "call_id"}
)


class FaultOrder(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="forbid")

    operation: Operation
    kind: Kind
    times: int = Field(default=1, ge=0)
    """The number of times that the fault happens. 0: until it is removed."""
    skip: int = Field(default=0, ge=0)
    """The number of matching requests before the first fault."""
    within_seconds: float | None = Field(default=None, gt=0)
    """The fault ends so many seconds after its first time. None: no end."""
    recording_id: str | None = None
    document_id: str | None = None
    call_id: str | None = None

    retry_after: float | None = Field(default=None, ge=0)
    status: int | None = Field(default=None, ge=400, le=599)
    code: str | None = None
    message: str | None = None
    content_type: str | None = None
    applied: bool = False
    """Whether the operation is carried out although the answer is an error."""
    bytes: int | None = Field(default=None, ge=0)
    declared: bool = False
    """Whether a short answer declares its short length instead of the full length."""
    bytes_per_second: int | None = Field(default=None, gt=0)
    host: str = "media.example.net"
    loop: bool = False
    offset: int | None = Field(default=None, ge=0)
    other_document_id: str | None = None
    copies: int = Field(default=2, ge=1)
    seconds: float | None = Field(default=None, ge=0)
    unnamed: bool = False
    """Whether the answer to an accepted start has no recordingId. Only the callback has it."""
    text: str | None = None
    """The invalid body of an answer with status 200."""
    fails: bool = False
    """Whether an accepted start fails. The callback reports it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        operations, parameters = FITTING[self.kind]
        if self.operation not in operations:
            fitting = ", ".join(sorted(operations))
            raise ValueError(f"operation: {self.kind} doesn't apply to {self.operation}, only to {fitting}")
        for name in self.model_fields_set - SELECTORS:
            if name not in parameters:
                raise ValueError(f"{to_camel(name)}: {self.kind} has no such parameter")
        needed = NEEDED.get(self.kind)
        if needed and needed not in self.model_fields_set:
            raise ValueError(f"{to_camel(needed)}: required for {self.kind}")
        return self


@dataclass(frozen=True, kw_only=True)
class Target:
    """The recording, document and call of an operation, if known."""

    recording_id: str | None = None
    document_id: str | None = None
    call_id: str | None = None


@dataclass(kw_only=True)
class Fault:
    fault_id: str
    order: FaultOrder
    met: int = 0
    fired: int = 0
    ends: float | None = None  # monotonic seconds; None: it hasn't happened yet, or has no end

    def meets(self, operation: Operation, target: Target) -> bool:
        order = self.order
        return (
            order.operation == operation
            and (order.times == 0 or self.fired < order.times)
            and (self.ends is None or time.monotonic() < self.ends)
            and order.recording_id in (None, target.recording_id)
            and order.document_id in (None, target.document_id)
            and order.call_id in (None, target.call_id)
        )

    def fire(self) -> None:
        if self.fired == 0 and self.order.within_seconds is not None:
            self.ends = time.monotonic() + self.order.within_seconds
        self.fired += 1

    def described(self) -> dict[str, Any]:
        return {
            "id": self.fault_id,
            **self.order.model_dump(by_alias=True, exclude_unset=True),
            "times": self.order.times,
            "fired": self.fired,
        }


class Faults:
    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def add(self, order: FaultOrder) -> Fault:
        fault = Fault(fault_id=new_guid(), order=order)
        self._faults[fault.fault_id] = fault
        return fault

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def remove(self, fault_id: str | None = None) -> None:
        if fault_id is None:
            self._faults.clear()
        elif self._faults.pop(fault_id, None) is None:
            raise ControlError(404, "no such fault")

    def take(self, operation: Operation, target: Target, kinds: frozenset[Kind] | None = None) -> FaultOrder | None:
        """The first active fault that matches the operation. Counts it as fired."""
        for fault in self._faults.values():
            if (kinds is None or fault.order.kind in kinds) and fault.meets(operation, target):
                fault.met += 1
                if fault.met > fault.order.skip:
                    fault.fire()
                    return fault.order
        return None
