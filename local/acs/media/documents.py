"""The temporary store of finished chunks. A document has media and metadata until it expires or is deleted."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from local.acs.certificates import CONTENT_HOST, DELETE_HOST
from local.acs.errors import ControlError, document_not_found
from local.acs.media.content import Content
from local.acs.times import acs_time, acs_time_or_none, now


@dataclass(kw_only=True)
class Document:
    document_id: str
    recording_id: str
    call_id: str
    index: int
    media_format: str
    content: Content
    metadata: dict[str, Any]
    metadata_bytes: bytes
    end_reason: str
    expires_at: datetime
    redirects: bool = False
    container: str | None = None
    """The URL of the customer's own container, for a recording whose files aren't in this store."""
    deleted_at: datetime | None = None
    downloads: int = 0
    metadata_downloads: int = 0
    bytes_sent: int = field(default=0)
    whole_answer: int | None = None
    """The number of the Range request for media, from 0, that gets the whole file with status 200."""
    ranges_asked: int = 0

    @property
    def content_location(self) -> str:
        if self.container:
            return f"{self.container}/{self.index}-media.{self.media_format}"
        kind = "video" if self.media_format == "mp4" else "audio"
        return f"https://{CONTENT_HOST}/v1/objects/{self.document_id}/content/{kind}"

    @property
    def metadata_location(self) -> str:
        if self.container:
            return f"{self.container}/{self.index}-acsmetadata.json"
        return f"https://{CONTENT_HOST}/v1/objects/{self.document_id}/content/acsmetadata"

    @property
    def delete_location(self) -> str:
        return self.container or f"https://{DELETE_HOST}/v1/objects/{self.document_id}"

    @property
    def available(self) -> bool:
        return self.deleted_at is None and self.expires_at > now()

    @property
    def etag(self) -> str:
        return f'"{sha256(self.document_id.encode()).hexdigest()[:16]}"'

    def as_chunk(self) -> dict[str, Any]:
        """The chunk as an event lists it."""
        return {
            "documentId": self.document_id,
            "index": self.index,
            "endReason": self.end_reason,
            "contentLocation": self.content_location,
            "metadataLocation": self.metadata_location,
            "deleteLocation": self.delete_location,
        }

    async def described(self) -> dict[str, Any]:
        return {
            **self.as_chunk(),
            "format": self.media_format,
            "size": self.content.size,
            "sha256": await asyncio.to_thread(self.content.sha256),
            "metadata": self.metadata,
            "metadataSize": len(self.metadata_bytes),
            "metadataSha256": sha256(self.metadata_bytes).hexdigest(),
            "deletedAt": acs_time_or_none(self.deleted_at),
            "expiresAt": acs_time(self.expires_at),
            "downloads": self.downloads,
            "metadataDownloads": self.metadata_downloads,
            "bytesSent": self.bytes_sent,
        }


class Documents:
    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._by_recording: dict[str, list[Document]] = {}

    def add(self, document: Document) -> None:
        self._documents[document.document_id] = document
        self._by_recording.setdefault(document.recording_id, []).append(document)

    def of(self, recording_id: str) -> list[Document]:
        return list(self._by_recording.get(recording_id, ()))

    def get(self, document_id: str) -> Document:
        """The document in any state, for the control API."""
        try:
            return self._documents[document_id]
        except KeyError:
            raise ControlError(404, "no such document") from None

    def available(self, document_id: str) -> Document:
        """The document, if ACS would serve it."""
        document = self._documents.get(document_id)
        if document is None or document.container or not document.available:
            raise document_not_found()
        return document

    def known(self, document_id: str) -> Document | None:
        return self._documents.get(document_id)

    def other(self, than: Document) -> Document:
        """Another chunk, of the same recording if possible. The fault `swapMetadata` serves its metadata."""
        candidates = [*self.of(than.recording_id), *reversed(self._documents.values())]
        for candidate in candidates:
            if candidate is not than:
                return candidate
        raise ControlError(409, "there is no other document")
