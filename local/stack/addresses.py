"""stack.json: where everything of a running stack is, for people, scripts and tests.

It is written atomically and is gone when the stack has stopped. A stack that yields leaves the file of another that
runs alone, and no stack ever removes a file that isn't its own.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Pids:
    stack: int
    azurite: int
    acs: int
    host: int
    workers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Addresses:
    functions: str
    functions_key: str
    master_key: str
    event_grid_url: str
    acs: str  # the simulator's control side
    acs_connection_string: str
    acs_tls: str  # host:port of the simulator's TLS side
    acs_ca: str
    storage_connection_string: str
    pids: Pids
    logs: Path

    def as_json(self) -> str:
        pids = {name: getattr(self.pids, name) for name in ("stack", "azurite", "acs", "host", "workers")}
        return json.dumps(
            {
                "functions": self.functions,
                "functionsKey": self.functions_key,
                "masterKey": self.master_key,
                "eventGridUrl": self.event_grid_url,
                "acs": self.acs,
                "acsConnectionString": self.acs_connection_string,
                "acsTls": self.acs_tls,
                "acsCa": self.acs_ca,
                "storageConnectionString": self.storage_connection_string,
                "pids": pids,
                "logs": str(self.logs),
            },
            indent=2,
        )


@dataclass(frozen=True, kw_only=True)
class AddressFile:
    path: Path
    yields: bool

    def write(self, addresses: Addresses) -> None:
        if self.yields and self._owner() not in (None, os.getpid()):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        draft.touch(mode=0o600)  # keys are in it
        draft.write_text(addresses.as_json() + "\n")
        draft.replace(self.path)

    def remove(self) -> None:
        if self._owner() == os.getpid():
            self.path.unlink()

    def _owner(self) -> int | None:
        """Pid of the live stack that wrote the file; None if there is none, or what wrote it is gone."""
        try:
            pid = int(json.loads(self.path.read_text())["pids"]["stack"])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError, KeyError):
            return None  # PermissionError: another person's process has the pid by now
        return pid
