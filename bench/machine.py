"""Describes the machine and the versions of a run."""

import json
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.programs import program

_PACKAGES = ("azure-storage-blob", "azure-communication-callautomation", "azure-core", "aiohttp")
_GIB = 1024**3


def describe() -> list[str]:
    """One line each for the machine and for the programs."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
    node = json.loads((Path(__file__).parent / "package.json").read_text())["dependencies"]["azurite"]
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}",
        f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in _PACKAGES)}",
        f"Azurite {node} for the copies, on Node.js {_version('node', '--version').removeprefix('v')}",
        ", ".join(f"{name} {_version(name, '-v' if name == 'nginx' else '--version')}" for name in _present()),
    ]


def _present() -> list[str]:
    return [name for name in ("nginx", "rclone", "curl") if program(name)]


def _version(name: str, option: str) -> str:
    """The first version number in a program's output."""
    found = program(name)
    if found is None:
        return "none"
    run = subprocess.run([found, option], capture_output=True, text=True, check=False)
    number = re.search(r"v?\d+(\.\d+)+", run.stdout + run.stderr)
    return number.group() if number else "unknown"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else []
    return names[0] if names else platform.processor() or platform.machine()
