"""What happened in a run: one line for each step, and a digest of all lines."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.simulation.world.faults import Injected
    from local.simulation.world.loop import VirtualLoop
    from local.simulation.world.outside import Call


@dataclass
class Trace:
    """Steps of a run. Lines are kept only if `keeps`, because most runs are never read; the digest is always made."""

    loop: "VirtualLoop"
    keeps: bool = False
    lines: list[str] = field(default_factory=list)
    _digest: Any = field(default_factory=hashlib.sha256)

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
        self.step(call.process.name, f"{operation.service} {operation.method} {operation.target}", answer)

    def step(self, who: str, what: str, answer: str = "") -> None:
        line = f"{self.loop.time():12.3f}  {who:8} {what}{'  -> ' if answer else ''}{answer}"
        self._digest.update(line.encode())
        if self.keeps:
            self.lines.append(line)

    def digest(self) -> str:
        return str(self._digest.hexdigest())
