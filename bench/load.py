"""How busy other programs keep the machine, before a contestant's run and during it. Such a row is no verdict.

Counted is the time of all cores in user and system mode. Interrupts are left out, because the kernel doesn't assign
them to a process. A system without /proc has no figures, and no row counts as busy.
"""

import asyncio
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.measurement import Measurement
from bench.whole.processes import cpu

BUSY = 0.05  # of all cores, by other programs
_GLANCE = 0.5  # seconds before a run
_STAT = Path("/proc/stat")
_PARTS = (1, 2, 3)  # fields of /proc/stat: user, nice, system
_STOLEN = 8
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Load:
    """The machine's state at one moment. `own`: CPU seconds of the bench, its ended children, and the given servers."""

    at: float
    used: float  # CPU seconds of all processes
    own: float

    @classmethod
    def now(cls, servers: Sequence[int]) -> Self:
        fields = _STAT.read_text().splitlines()[0].split() if _STAT.exists() else []
        used = sum(int(fields[part]) for part in (*_PARTS, _STOLEN)) / _TICKS if fields else 0.0
        own = sum(map(cpu, servers)) if fields else 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            own += usage.ru_utime + usage.ru_stime
        return cls(at=time.perf_counter(), used=used, own=own)

    def others_since(self, before: Self) -> float:
        """The share of all cores that other programs used."""
        others = (self.used - before.used) - (self.own - before.own)
        return max(0.0, others / ((self.at - before.at) * (os.cpu_count() or 1)))


async def load_before(servers: Sequence[int]) -> float:
    """The share of all cores that other programs use now."""
    before = Load.now(servers)
    await asyncio.sleep(_GLANCE)
    return Load.now(servers).others_since(before)


def is_busy(*measured: Measurement) -> bool:
    """Whether other programs used the machine in one of the runs."""
    return any(one.more.get(when, 0.0) > BUSY for one in measured for when in ("before", "during"))
