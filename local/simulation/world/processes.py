"""A simulated worker process: whether it runs, and its clock."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.app import App


@dataclass(eq=False)
class Process:
    """A worker process of one host. `skew` is how far its clock is ahead."""

    name: str
    skew: timedelta
    runs: bool = True
    app: App | None = field(default=None, repr=False)
