"""The cost of one contestant: wall time, CPU time of its process and child processes, and peak memory.

Each contestant runs in its own process. The start of the process isn't measured, because a worker starts once and then
copies for days.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Self

MIB = 1024 * 1024
GIB = 1024 * MIB
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # getrusage returns bytes on macOS, KiB elsewhere


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Seconds and bytes. `more` has additional figures of a contestant."""

    wall: float
    cpu: float
    peak: int  # bytes of resident memory
    idle: int  # bytes before the work
    more: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        return cls(**json.loads(text))

    @classmethod
    def typical(cls, many: list["Measurement"]) -> Self:
        """The median of each figure."""
        names = {name for one in many for name in one.more}
        return cls(
            wall=median(one.wall for one in many),
            cpu=median(one.cpu for one in many),
            peak=int(median(one.peak for one in many)),
            idle=int(median(one.idle for one in many)),
            more={name: median(one.more[name] for one in many if name in one.more) for name in sorted(names)},
        )


class Window:
    """The measured part of a contestant's run: `with window.open(): ...`, once."""

    def __init__(self) -> None:
        self.more: dict[str, float] = {}
        self._found: Measurement | None = None

    @contextmanager
    def open(self, *, children: int = 0) -> Iterator[None]:
        """`children` is the number of concurrent child processes, if they do the work."""
        idle = 0 if children else peak_memory()
        began, cpu = time.perf_counter(), _cpu()
        yield
        wall, used = time.perf_counter() - began, _cpu() - cpu
        peak = children * _largest_child() if children else peak_memory()
        self._found = Measurement(wall=wall, cpu=used, peak=peak, idle=idle, more=self.more)

    def leave_out(self, *, wall: float, cpu: float) -> None:
        """Subtracts seconds that don't count."""
        found = self.measurement
        self._found = replace(found, wall=found.wall - wall, cpu=found.cpu - cpu)

    @property
    def measurement(self) -> Measurement:
        if self._found is None:
            raise RuntimeError("the contestant never opened its window")
        return self._found


def peak_memory() -> int:
    """Peak memory of this process. Reads VmHWM where possible, because getrusage's value survives an exec."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


def _largest_child() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _MAXRSS_UNIT


def _cpu() -> float:
    """User and system seconds of this process and of its child processes that have ended."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)
