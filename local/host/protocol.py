"""What the host and a worker say to each other: functions found, a call, and how it ended.

The records are the plain counterparts of the FunctionRpc messages of the real host; both sides are always of one
version, so a record is written as its fields and read back by them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from local.host.channel import Message

type Kind = Literal["string", "json", "bytes", "int", "double", "http"]


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A value with the type it has on FunctionRpc. `json` is JSON text; `http` is a mapping of the request's parts."""

    kind: Kind
    value: Any

    @classmethod
    def read(cls, message: Message | None) -> Self | None:
        return None if message is None else cls(kind=message["kind"], value=message["value"])


@dataclass(frozen=True, kw_only=True)
class FunctionRecord:
    """A function as the worker indexed it; bindings are those of a function.json."""

    id: str
    name: str
    bindings: list[dict[str, Any]]
    retry: dict[str, Any] | None

    @classmethod
    def read(cls, message: Message) -> Self:
        return cls(**message)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One invocation, with what the function's context shows of it."""

    id: str
    function_id: str
    trigger: str
    data: Typed
    metadata: Mapping[str, Typed] = field(default_factory=dict)
    trace_parent: str
    trace_state: str = ""
    retry_count: int = 0
    max_retry_count: int = 0

    def message(self) -> Message:
        return {"call": asdict(self)}

    @classmethod
    def read(cls, message: Message) -> Self:
        fields = dict(message["call"])
        fields["data"] = Typed(**fields["data"])
        fields["metadata"] = {name: Typed(**value) for name, value in fields["metadata"].items()}
        return cls(**fields)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a function returned and what its output bindings were set to."""

    returned: Typed | None
    outputs: Mapping[str, Typed]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An exception in the worker: its type and sentence, and its traceback."""

    message: str
    traceback: str


def ready(functions: list[FunctionRecord]) -> Message:
    return {"ready": [asdict(function) for function in functions]}


def unready(failure: Failure) -> Message:
    return {"unready": asdict(failure)}


def ended(call_id: str, result: Outcome | Failure) -> Message:
    return {"ended": call_id, "failed" if isinstance(result, Failure) else "succeeded": asdict(result)}


def read_ended(message: Message) -> Outcome | Failure:
    if "failed" in message:
        return Failure(**message["failed"])
    fields = message["succeeded"]
    return Outcome(
        returned=Typed.read(fields["returned"]),
        outputs={name: Typed(**value) for name, value in fields["outputs"].items()},
    )
