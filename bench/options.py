"""What a run of the bench can be told."""

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
    chunks: int  # small ones, sent through the whole stack
    recordings: tuple[int, ...]  # in the catalogue, as it grows
    place: Path  # for media, sinks and logs, removed at the end
    console: Console

    @property
    def largest(self) -> int:
        """Bytes of the largest file that this run is to move."""
        return max(self.sizes) * MIB
