"""What a stack can be told: where it lives, which app it hosts, how, and with which settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CHECKOUT = Path(__file__).parents[2]
LOCAL = CHECKOUT / ".local"  # everything that running Callvault on a laptop leaves on disk

HostKind = Literal["callvault", "func"]


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    directory: Path  # storage, settings and logs live here, one stack at a time
    fresh: bool = False  # start empty, in a directory of its own below `directory`, beside any others
    address_file: Path | None = None  # where stack.json goes; else into `directory`
    app: Path = CHECKOUT
    host: HostKind = "callvault"
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)  # app settings, over those that the stack makes
    event_function: str = "on_recording_event"
    storage_log: bool = False  # whether azurite.log has a line for every request
    acs_arguments: tuple[str, ...] = ()  # more for the simulator's command line
    host_arguments: tuple[str, ...] = ()  # more for the host's
