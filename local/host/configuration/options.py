"""The options of a host's command line."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.host.configuration.config import HostConfig, Settings
from local.host.configuration.keys import Keys
from local.host.logs import Sink


@dataclass(frozen=True, kw_only=True)
class Options:
    app: Path
    config: HostConfig
    settings: Settings
    keys: Keys
    sink: Sink
    port: int = 0
    workers: int = 1
    plugin: str | None = None
    ready: Path | None = None
    timer_status: Path | None = None
    # Azure's: a message whose host is gone is invisible for up to ten minutes.
    queue_visibility: timedelta = timedelta(minutes=10)
    grace: timedelta = timedelta(seconds=10)
    # None: the host waits for unreachable storage without a limit.
    storage_patience: timedelta | None = None
