"""Reads the kernel's figures of a running process: current and peak memory, and CPU time since its start."""

import os
from pathlib import Path

from bench.programs import BenchError

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = slice(3, 5)  # fields of /proc/stat: idle, iowait
_USER, _SYSTEM = 11, 12  # fields of /proc/PID/stat after the program's name


def require_proc() -> None:
    """Raises BenchError if the system isn't Linux."""
    if not Path("/proc/self/clear_refs").exists():
        raise BenchError("This row reads /proc, which only Linux has.")


def memory(pid: int, *, peak: bool) -> int:
    """Resident bytes."""
    field = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise BenchError(f"process {pid} has ended")


def forget_peak(pid: int) -> None:
    """Resets the peak to the current memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def idle_share_since(before: tuple[float, float]) -> float:
    """The idle share of all cores since `idle()` returned `before`."""
    waiting, whole = (now - then for now, then in zip(idle(), before, strict=True))
    return waiting / whole


def idle() -> tuple[float, float]:
    """The idle ticks of all cores, and all their ticks."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return float(sum(fields[_IDLE])), float(sum(fields))


def cpu(pid: int) -> float:
    """User and system seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
