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
    topic_key: str  # of the topic for announcements
    acs_tls: str  # host:port of the simulator's TLS side
    acs_ca: str
    storage_connection_string: str
    blob_url: str
    pids: Pids
    logs: Path

    def as_json(self) -> str:
        pids = {name: getattr(self.pids, name) for name in ("stack", "azurite", "acs", "host", "workers")}
        return (
            json.dumps(
                {
                    "functions": self.functions,
                    "functionsKey": self.functions_key,
                    "masterKey": self.master_key,
                    "eventGridUrl": self.event_grid_url,
                    "acs": self.acs,
                    "acsConnectionString": self.acs_connection_string,
                    "topicKey": self.topic_key,
                    "acsTls": self.acs_tls,
                    "acsCa": self.acs_ca,
                    "storageConnectionString": self.storage_connection_string,
                    "blobUrl": self.blob_url,
                    "pids": pids,
                    "logs": str(self.logs),
                },
                indent=2,
            )
            + "\n"
        )


class AddressFile:
    def __init__(self, path: Path, *, yields: bool) -> None:
        self.path = path
        self._yields = yields
        self._written: str | None = None

    def write(self, addresses: Addresses) -> None:
        if self._yields and self._is_of_another():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{addresses.pids.azurite}")  # a name that is no other stack's
        draft.touch(mode=0o600)  # keys are in it
        self._written = addresses.as_json()
        draft.write_text(self._written)
        draft.replace(self.path)

    def remove(self) -> None:
        if self._written is not None and self._contents() == self._written:
            self.path.unlink()

    def _contents(self) -> str | None:
        return self.path.read_text() if self.path.exists() else None

    def _is_of_another(self) -> bool:
        """Whether a live stack, other than this one, wrote the file; what a dead one left counts for nothing."""
        contents = self._contents()
        if contents is None or contents == self._written:
            return False
        try:
            os.kill(json.loads(contents)["pids"]["stack"], 0)
        except (ProcessLookupError, PermissionError, ValueError, KeyError):
            return False  # PermissionError: another person's process has the pid by now
        return True
