"""The options of a run."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.measurement import MIB


@dataclass(frozen=True, kw_only=True)
class Options:
    rounds: int
    sizes: tuple[int, ...]  # MiB, of the files to copy
    only: tuple[str, ...]  # contestants of the copy; all if empty
    profile: bool
    chunks: int  # number of small chunks for the whole stack
    recordings: tuple[int, ...]  # sizes of the catalogue
    place: Path  # for media, sinks and logs; removed at the end
    console: Console

    @property
    def largest(self) -> int:
        """The size in bytes of the largest file."""
        return max(self.sizes) * MIB
