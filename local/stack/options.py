"""The options of a stack: its directory, the app that it hosts, the host, and the app settings."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CHECKOUT = Path(__file__).parents[2]
LOCAL = CHECKOUT / ".local"  # everything that the local stack stores on disk

type Detour = Callable[["Services"], AbstractAsyncContextManager[Mapping[str, str]]]
"""Puts something between the app and its services. Yields the app settings with its addresses."""

HostKind = Literal["callvault", "func"]


@dataclass(frozen=True, kw_only=True)
class Services:
    """The addresses of a stack's services, before its host starts."""

    storage_connection_string: str
    acs_control: str
    acs_tls: str


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    directory: Path  # for storage, settings and logs; one stack at a time
    fresh: bool = False  # start empty, in a new directory below `directory`; several such stacks may run
    address_file: Path | None = None  # path of stack.json; default: in `directory`
    app: Path = CHECKOUT
    host: HostKind = "callvault"
    port: int = 0  # of the host; 0: a free one
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)  # app settings that override the stack's
    event_function: str = "on_recording_event"
    storage_log: bool = False  # whether azurite.log has a line for every request
    detour: Detour | None = None  # between the app and its services
    acs_arguments: tuple[str, ...] = ()  # added to the simulator's command line
    host_arguments: tuple[str, ...] = ()  # added to the host's command line
