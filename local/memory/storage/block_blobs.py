"""The state of a container: block blobs, and blocks that are staged and not committed."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from awscrt import checksums
from azure.storage.blob import BlobProperties, ContentSettings, StandardBlobTier

from local.memory.storage.account import Account
from local.memory.storage.refusals import Refused

_STAGED_FOR = timedelta(days=7)  # since the latest block was staged
_LONGEST_BLOCK_ID = 64  # bytes before base64
_BLOCKS = 50_000
_METADATA_BYTES = 8 * 1024
_METADATA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Written:
    """What a writer gives a blob."""

    data: bytes
    content: ContentSettings
    metadata: dict[str, str]


@dataclass(frozen=True)
class Blob:
    """A committed blob. A blob that was put in one request has no blocks."""

    data: bytes
    content: ContentSettings
    metadata: dict[str, str]
    etag: str
    created: datetime
    modified: datetime
    blocks: dict[str, bytes]
    tier: StandardBlobTier = StandardBlobTier.HOT


@dataclass(frozen=True)
class _Staged:
    blocks: dict[str, bytes]
    latest: datetime


class Container:
    """Blobs by name."""

    def __init__(self, account: Account, name: str) -> None:
        self._account, self._name = account, name
        self._blobs: dict[str, Blob] = {}
        self._staged: dict[str, _Staged] = {}
        self.public_access: str | None = None

    def names(self, *, with_staged: bool = False) -> list[str]:
        """In the order of a listing. A listing has blobs of staged blocks alone only if it asks for them."""
        staged = {name for name in self._staged if self._staged_of(name)} if with_staged else set()
        return sorted(self._blobs.keys() | staged)

    def find(self, name: str, wanted: str | None = None) -> Blob:
        blob = self._blobs.get(name)
        if blob is None:
            raise Refused(404, "BlobNotFound")
        if wanted is not None and wanted.strip('"') != blob.etag.strip('"'):
            raise Refused(412, "ConditionNotMet")
        return blob

    def read(self, name: str, wanted: str | None) -> bytes:
        blob = self.find(name, wanted)
        if blob.tier == StandardBlobTier.ARCHIVE:
            raise Refused(409, "BlobArchived")
        return blob.data

    def move(self, name: str, tier: StandardBlobTier) -> None:
        """Moves the blob to a tier. From the archive tier that takes hours, which nothing here waits for."""
        self._blobs[name] = replace(self.find(name), tier=tier)

    def put(
        self, name: str, written: Written, *, overwrite: bool, blocks: dict[str, bytes] | None = None
    ) -> dict[str, Any]:
        """Makes the blob what is written, and drops all staged blocks of its name."""
        current = self._blobs.get(name)
        if current is not None and not overwrite:
            raise Refused(409, "BlobAlreadyExists")
        return self._write(name, written, current.created if current else None, blocks or {}, drops_staged=True)

    def label(self, name: str, metadata: dict[str, str], wanted: str | None) -> dict[str, Any]:
        blob = self.find(name, wanted)
        return self._write(
            name, Written(blob.data, blob.content, metadata), blob.created, blob.blocks, drops_staged=False
        )

    def delete(self, name: str, wanted: str | None) -> None:
        self.find(name, wanted)
        del self._blobs[name]

    def stage(self, name: str, block_id: str, data: bytes) -> None:
        staged = self._staged_of(name)
        others = [*staged, *(self._blobs[name].blocks if name in self._blobs else ())]
        if not 0 < len(block_id.encode()) <= _LONGEST_BLOCK_ID:
            raise Refused(400, "InvalidQueryParameterValue")
        if any(len(other.encode()) != len(block_id.encode()) for other in others):
            raise Refused(400, "InvalidBlobOrBlock")
        if not data:
            raise Refused(400, "InvalidHeaderValue")
        self._staged[name] = _Staged({**staged, block_id: data}, self._account.now())

    def commit(self, name: str, block_ids: list[str], written: Written, *, overwrite: bool) -> dict[str, Any]:
        current = self._blobs.get(name)
        if current is not None and not overwrite:
            raise Refused(409, "BlobAlreadyExists")
        known = {**(current.blocks if current else {}), **self._staged_of(name)}
        if any(one not in known for one in block_ids):
            raise Refused(400, "InvalidBlockList")
        if len(block_ids) > _BLOCKS:
            raise Refused(400, "BlockListTooLong")
        blocks = {one: known[one] for one in block_ids}
        data = b"".join(known[one] for one in block_ids)
        return self.put(name, Written(data, written.content, written.metadata), overwrite=overwrite, blocks=blocks)

    def block_list(self, name: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Committed and staged blocks."""
        staged, blob = self._staged_of(name), self._blobs.get(name)
        if blob is None and not staged:
            raise Refused(404, "BlobNotFound")
        return (blob.blocks if blob else {}), staged

    def properties(self, name: str) -> BlobProperties:
        blob = self.find(name)
        found = BlobProperties(name=name, metadata=dict(blob.metadata))
        found.container, found.size, found.etag = self._name, len(blob.data), blob.etag
        found.content_settings = blob.content
        found.creation_time = blob.created.replace(microsecond=0)
        found.last_modified = blob.modified.replace(microsecond=0)
        found.blob_tier = blob.tier
        return found

    def listed(self, name: str, *, with_metadata: bool) -> BlobProperties:
        """As a listing shows a blob: its ETag without quotes, an empty value in its metadata as None."""
        if name not in self._blobs:
            return BlobProperties(name=name)
        found = self.properties(name)
        found.etag = found.etag.strip('"')
        shown: dict[str, Any] = {key: value or None for key, value in found.metadata.items()} if with_metadata else {}
        found.metadata = shown
        return found

    def _staged_of(self, name: str) -> dict[str, bytes]:
        staged = self._staged.get(name)
        if staged is None or staged.latest < self._account.now() - _STAGED_FOR:
            return {}
        return staged.blocks

    def _write(
        self,
        name: str,
        written: Written,
        created: datetime | None,
        blocks: dict[str, bytes],
        *,
        drops_staged: bool,
    ) -> dict[str, Any]:
        _check_metadata(written.metadata)
        now = self._account.now()
        content = written.content
        content.content_type = content.content_type or "application/octet-stream"
        etag = f'"0x{self._account.new_id().upper()}"'
        # Headers carry metadata: white space around a value is lost.
        metadata = {key: value.strip() for key, value in written.metadata.items()}
        self._blobs[name] = Blob(written.data, content, metadata, etag, created or now, now, blocks)
        if drops_staged:
            self._staged.pop(name, None)
        return {"etag": etag, "last_modified": now.replace(microsecond=0)}


def check_checksum(data: bytes, *, md5: bytes | None, crc64: bytes | None) -> None:
    if md5 is not None and hashlib.md5(data, usedforsecurity=False).digest() != bytes(md5):
        raise Refused(400, "Md5Mismatch")
    # Azure Storage's CRC64 is CRC-64/NVME, sent with its lowest byte first.
    if crc64 is not None and checksums.crc64nvme(data).to_bytes(8, "little") != bytes(crc64):
        raise Refused(400, "Crc64Mismatch")


def _check_metadata(metadata: dict[str, str]) -> None:
    for name in metadata:
        if not name:
            raise Refused(400, "EmptyMetadataKey")
        if not _METADATA_NAME.fullmatch(name):
            raise Refused(400, "InvalidMetadata")
    if sum(len(name) + len(value) for name, value in metadata.items()) > _METADATA_BYTES:
        raise Refused(400, "MetadataTooLarge")
