"""Checks whether processes are still running."""

import asyncio
import subprocess


def _asked(pid: int, field: str) -> str:
    return subprocess.run(["ps", "-o", f"{field}=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def alive(pid: int) -> bool:
    """Whether the process is running. A zombie isn't."""
    return _asked(pid, "stat").strip()[:1] not in ("", "Z")


def parent(pid: int) -> int:
    return int(_asked(pid, "ppid"))


async def gone(*pids: int, within: float = 30) -> None:
    """Waits until all processes have ended."""
    async with asyncio.timeout(within):
        for pid in pids:
            while alive(pid):  # noqa: ASYNC110 - other programs' processes set no event of ours
                await asyncio.sleep(0.02)
