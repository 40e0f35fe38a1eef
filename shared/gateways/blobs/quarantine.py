"""The quarantine: events, callbacks and messages that Callvault can't parse or process. Each is stored once.

A blob's name is a digest of its event or body, so a repeated delivery finds the existing blob. The blob is JSON: the
reason, the time, the person who submitted it if any, and the event, or the body in base64 if it isn't JSON. The blob
of an event that a replay processed stays, and its blob metadata have the time of the replay.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from shared.gateways.faults import is_absent, storage_faults

_REPLAYED = "replayedAt"  # blob metadata; HTTP may change the case of its name
_COUNTED = 5000  # blobs: the most that one request lists


class Folder(StrEnum):
    EVENTS = ""
    CALLBACKS = "callbacks/"
    JOBS = "jobs/"


@dataclass(frozen=True, kw_only=True)
class QuarantineItem:
    """One item to store: its name in the quarantine, and its content."""

    name: str
    content: dict[str, Any]

    @classmethod
    def event(cls, folder: Folder, event: Any) -> Self:
        """An event as parsed JSON, or text that isn't JSON."""
        # ASCII only: strings may contain lone surrogates, which UTF-8 can't encode.
        text = json.dumps(event, default=str, sort_keys=True, ensure_ascii=True)
        return cls(name=_name(folder, text.encode()), content={"event": event})

    @classmethod
    def body(cls, folder: Folder, body: bytes) -> Self:
        return cls(name=_name(folder, body), content={"bodyBase64": base64.b64encode(body).decode()})


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The number of items that nobody has handled yet. `is_all`: there may be no more."""

    events: int
    callbacks: int
    is_all: bool


class Quarantine:
    """The quarantine's container."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._blobs = service.get_container_client(container)

    async def keep(self, item: QuarantineItem, reason: str, *, at: datetime, by: str | None) -> None:
        """Stores an item, unless it is stored already. `by` is None if a service delivered it.

        Raises DestinationError if storage fails.
        """
        kept = {"reason": reason, "receivedAt": at.isoformat(), "by": by, **item.content}
        body = json.dumps(kept, default=str, ensure_ascii=True, indent=2).encode()
        with storage_faults("writing to the quarantine"):
            try:
                await self._blobs.upload_blob(
                    item.name,
                    body,
                    overwrite=False,
                    content_settings=ContentSettings(content_type="application/json"),
                )
            except ResourceExistsError:
                return

    async def mark_replayed(self, name: str, at: datetime) -> None:
        """Marks an event that a replay processed: it no longer needs attention."""
        with storage_faults("marking an event in the quarantine"):
            try:
                await self._blobs.get_blob_client(name).set_blob_metadata({_REPLAYED: at.isoformat()})
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise

    async def kept(self) -> Kept:
        """Counts the events and callbacks that no replay processed, among the first 5,000 blobs: one operation.

        Poison messages aren't counted: the state of their chunks says what they need.
        """
        counts = {Folder.EVENTS: 0, Folder.CALLBACKS: 0}
        with storage_faults("listing the quarantine"):
            pages: Any = self._blobs.list_blobs(include=["metadata"], results_per_page=_COUNTED).by_page()
            async for page in pages:
                async for blob in page:
                    if _REPLAYED.lower() in map(str.lower, blob.metadata or {}):
                        continue
                    folder = Folder.CALLBACKS if blob.name.startswith(Folder.CALLBACKS) else Folder.EVENTS
                    counts[folder] += not blob.name.startswith(Folder.JOBS)
                break
        return Kept(
            events=counts[Folder.EVENTS],
            callbacks=counts[Folder.CALLBACKS],
            is_all=pages.continuation_token is None,
        )

    async def read(self, name: str) -> bytes | None:
        """The blob with this name. None if it doesn't exist."""
        with storage_faults("reading from the quarantine"):
            try:
                download = await self._blobs.download_blob(name)
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None
            return bytes(await download.readall())


def _name(folder: Folder, content: bytes) -> str:
    return f"{folder}{hashlib.sha256(content).hexdigest()[:32]}.json"
