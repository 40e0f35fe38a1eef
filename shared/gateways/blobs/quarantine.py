"""The quarantine: events, callbacks and messages that Callvault can't parse or process. Each is stored once.

A blob's name is a digest of its event or body, so a repeated delivery finds the existing blob. The blob is JSON: the
reason, the time, the person who submitted it if any, and the event, or the body in base64 if it isn't JSON. A replay
that processed the event adds its time to the blob's metadata.
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

from shared.contracts.lenient_json import moment
from shared.gateways.faults import is_absent, storage_faults

_REPLAYED_AT = "replayedat"  # names of blob metadata are lower case, as those of the archive's files


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
class QuarantinedBlob:
    """A blob of the quarantine, as listed."""

    name: str
    size: int
    created_at: datetime
    replayed_at: datetime | None

    @property
    def folder(self) -> Folder:
        return next((folder for folder in Folder if folder and self.name.startswith(folder)), Folder.EVENTS)


@dataclass(frozen=True, kw_only=True)
class QuarantineListing:
    """The blobs that were listed, by name. `complete`: whether these are all."""

    blobs: tuple[QuarantinedBlob, ...]
    complete: bool


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

    async def listed(self, most: int) -> QuarantineListing:
        """At most this number of blobs. Storage returns 5000 with each operation."""
        found: list[QuarantinedBlob] = []
        with storage_faults("listing the quarantine"):
            async for blob in self._blobs.list_blobs(include=["metadata"]):
                if len(found) == most:
                    return QuarantineListing(blobs=tuple(found), complete=False)
                replayed_at = moment((blob.metadata or {}).get(_REPLAYED_AT))
                found.append(
                    QuarantinedBlob(
                        name=blob.name, size=blob.size, created_at=blob.creation_time, replayed_at=replayed_at
                    )
                )
        return QuarantineListing(blobs=tuple(found), complete=True)

    async def mark_replayed(self, name: str, at: datetime) -> None:
        """Records when a replay processed the event, unless the blob is gone."""
        with storage_faults("writing to the quarantine"):
            try:
                await self._blobs.get_blob_client(name).set_blob_metadata({_REPLAYED_AT: at.isoformat()})
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise


def _name(folder: Folder, content: bytes) -> str:
    return f"{folder}{hashlib.sha256(content).hexdigest()[:32]}.json"
