"""What a run of the bench can be told."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class Options:
    rounds: int
    sizes: tuple[int, ...]  # MiB, of the files to copy
    only: tuple[str, ...]  # contestants of the copy; all if empty
    profile: bool
    place: Path  # for media, sinks and logs, removed at the end
    console: Console
