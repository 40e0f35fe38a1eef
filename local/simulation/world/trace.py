"""What happened in a run: one line for each step, and a digest of all lines."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.memory.storage.account import Operation
    from local.simulation.world.faults import Injected
    from local.simulation.world.loop import VirtualLoop
    from local.simulation.world.outside import Call


@dataclass
class Trace:
    """Steps of a run. The result of a run has them only if `keeps`, because most runs are never read."""

    loop: "VirtualLoop"
    keeps: bool = False
    _all: "list[tuple[float, str, str | Operation, str]]" = field(
        default_factory=list
    )  # written as lines once somebody reads them

    @property
    def lines(self) -> list[str]:
        return self._lines() if self.keeps else []

    def call(self, call: "Call", result: object, injected: "Injected | None") -> None:
        operation = call.operation
        answer = "" if injected is None else f"{injected.fault} "
        if isinstance(result, BaseException):
            answer += type(result).__name__
            status = getattr(result, "status_code", None) or getattr(getattr(result, "refusal", None), "status", None)
            answer += f" {status}" if status else ""
        elif isinstance(result, str):
            answer += result
        else:
            answer += "ok"
        self._all.append((self.loop.now, call.process.name, operation, answer))

    def step(self, who: str, what: str, answer: str = "") -> None:
        self._all.append((self.loop.now, who, what, answer))

    def digest(self) -> str:
        return hashlib.sha256("".join(self._lines()).encode()).hexdigest()

    def _lines(self) -> list[str]:
        return [
            f"{at:12.3f}  {who:8} {_text(what)}{'  -> ' if answer else ''}{answer}"
            for at, who, what, answer in self._all
        ]


def _text(what: "str | Operation") -> str:
    return what if isinstance(what, str) else f"{what.service} {what.method} {what.target}"
