"""What a stack can be told: where it lives, which app it hosts, how, and with which settings."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CHECKOUT = Path(__file__).parents[2]
LOCAL = CHECKOUT / ".local"  # everything that running Callvault on a laptop leaves on disk

type Detour = Callable[["Services"], AbstractAsyncContextManager[Mapping[str, str]]]
"""Puts something between the app and its services; gives the app settings that lead there."""

HostKind = Literal["callvault", "func"]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Where the services of a stack are, before its host starts."""

    storage_connection_string: str
    acs_control: str
    acs_tls: str


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
    detour: Detour | None = None  # between the app and its services
    acs_arguments: tuple[str, ...] = ()  # more for the simulator's command line
    host_arguments: tuple[str, ...] = ()  # more for the host's
