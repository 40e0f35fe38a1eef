"""Memory doesn't grow with the size of a recording. A worker that runs out of memory archives nothing."""

import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

GIB = 1024**3
MIB = 1024**2


def status(pid: int, field: str) -> int:
    """A worker's memory in bytes: `VmRSS` is the current value, `VmHWM` the peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


def forget_peak(pid: int) -> None:
    """Resets the peak to the current value."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells a process's peak in /proc on Linux only")
async def test_archiving_one_gibibyte_needs_less_than_100_mib_of_memory(deployment: Deployment):
    made = await deployment.acs("POST", "/documents", size=GIB, format="wav", channels=5, announce=False)
    before = {}
    for pid in deployment.where.pids.workers:
        forget_peak(pid)
        before[pid] = status(pid, "VmRSS")
    assert await deployment.deliver(made["event"]) == 202
    view = await deployment.settled(made["recordingId"])
    (chunk,) = view["chunks"]
    assert (chunk["size"], chunk["sha256"]) == (GIB, made["chunks"][0]["sha256"])
    growth = {pid: status(pid, "VmHWM") - before[pid] for pid in before}
    assert max(growth.values()) < 100 * MIB, {pid: f"{bytes_ / MIB:.0f} MiB" for pid, bytes_ in growth.items()}
    assert max(growth.values()) > 8 * MIB, "a worker must have copied it"
