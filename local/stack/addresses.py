"""stack.json: the addresses, keys and process ids of a running stack, for people, scripts and tests.

The file is written atomically and removed when the stack stops. A stack with `yields` doesn't overwrite the file of
another running stack, and a stack never removes a file that it didn't write.
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
    acs: str  # URL of the simulator's control API
    acs_connection_string: str
    topic_key: str  # key of the topic for announcements
    acs_tls: str  # host:port of the simulator's TLS endpoint
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
        draft = self.path.with_name(f"{self.path.name}.{addresses.pids.azurite}")  # unique to this stack
        draft.touch(mode=0o600)  # the file holds keys
        self._written = addresses.as_json()
        draft.write_text(self._written)
        draft.replace(self.path)

    def remove(self) -> None:
        if self._written is not None and self._contents() == self._written:
            self.path.unlink()

    def _contents(self) -> str | None:
        return self.path.read_text() if self.path.exists() else None

    def _is_of_another(self) -> bool:
        """Whether another stack that is still running wrote the file."""
        contents = self._contents()
        if contents is None or contents == self._written:
            return False
        try:
            os.kill(json.loads(contents)["pids"]["stack"], 0)
        except (ProcessLookupError, PermissionError, ValueError, KeyError):
            return False  # PermissionError: the pid now belongs to another user's process
        return True
