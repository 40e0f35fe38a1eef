"""The messages between the host and a worker: the app's functions, a call, and its result.

The records are the plain counterparts of the real host's FunctionRpc messages. Both sides always have the same version,
so a record is written as its fields and read back from them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from local.host.worker.channel import Message

type Kind = Literal["string", "json", "bytes", "int", "double", "http"]


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A value with its FunctionRpc type. `json` is JSON text. `http` is a mapping of the parts of the request."""

    kind: Kind
    value: Any

    @classmethod
    def read(cls, message: Message | None) -> Self | None:
        return None if message is None else cls(kind=message["kind"], value=message["value"])


@dataclass(frozen=True, kw_only=True)
class FunctionRecord:
    """A function as the worker indexed it. Its bindings are those of a function.json."""

    id: str
    name: str
    bindings: list[dict[str, Any]]
    has_retry: bool

    @classmethod
    def read(cls, message: Message) -> Self:
        return cls(**message)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One invocation, with the trace that the function's context shows."""

    id: str
    function_id: str
    trigger: str
    data: Typed
    metadata: Mapping[str, Typed] = field(default_factory=dict)
    trace_parent: str
    trace_state: str = ""

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
    """The value that a function returned."""

    returned: Typed | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An exception in the worker: its type and message, and its traceback."""

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
    return Outcome(returned=Typed.read(message["succeeded"]["returned"]))
