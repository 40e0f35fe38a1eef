"""The archive: media and metadata in Blob storage.

A file appears completely or not at all: it is stored in one request, or its blocks are staged and committed together.
Nothing is ever overwritten. A second writer succeeds only if the existing file has the same bytes.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import quote, unquote

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from shared.domain.files.checksums import Checksum, ChecksumKind
from shared.domain.files.payload import Payload
from shared.errors import DestinationConflict, DestinationUnavailable
from shared.gateways.faults import is_absent, is_taken, storage_faults

_SHA256 = "sha256"
_DOCUMENT_ID = "documentid"
ORIGIN = "origin"  # the key of a file's location, if the location doesn't name the file's document
_SIZE = "size"  # the size that the writer intended
_CHECKSUM_OPTIONS = {ChecksumKind.CRC64: "transactional_content_crc64", ChecksumKind.MD5: "transactional_content_md5"}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file of the archive. `sha256` is the digest in its blob metadata, None if it has none yet."""

    name: str
    size: int
    sha256: str | None
    document_id: str | None
    is_whole: bool  # whether its size is the size that its writer intended
    origin: str | None = None  # see ORIGIN


@dataclass(frozen=True, kw_only=True)
class ArchivedFile:
    """A file of the archive in a listing. `properties` is its blob metadata."""

    name: str
    size: int
    content_type: str
    archived_at: datetime
    properties: Mapping[str, str]


class WriteResult(Enum):
    """The result of a put or a commit."""

    STORED = auto()  # the archive has the file: it is new, or was there with the same digest
    UNVERIFIED = auto()  # the archive has a file of the same size without a digest, which must be read


@dataclass(frozen=True, kw_only=True)
class StagedBlock:
    """A block in the archive, of `size` bytes."""

    block_id: str
    size: int


class ArchiveFile:
    """One file of the archive, to be written or verified. Blob storage checks the checksum of each request."""

    def __init__(self, blob: Any, *, content_type: str, properties: dict[str, str]) -> None:
        self._blob = blob
        self._content = ContentSettings(content_type=content_type)
        self._properties = properties

    @property
    def name(self) -> str:
        return str(self._blob.blob_name)

    async def put(self, data: Payload, *, checksum: Checksum, sha256: str) -> WriteResult:
        """Stores a small file in one request. Raises DestinationConflict if another file has its name."""
        with storage_faults("storing a file in the archive"):
            try:
                await self._blob.upload_blob(
                    bytes(data),
                    overwrite=False,
                    content_settings=self._content,
                    metadata=self._metadata(data.size, sha256),
                    **_checked(checksum),
                )
            except ResourceExistsError as error:
                if not is_taken(error):
                    raise
            else:
                return WriteResult.STORED
        return await self._held(data.size, sha256)

    async def stage(self, block_id: str, data: Payload, *, checksum: Checksum) -> None:
        with storage_faults("staging a block in the archive"):
            await self._blob.stage_block(block_id, data, length=data.size, **_checked(checksum))

    async def staged(self) -> list[StagedBlock]:
        """Blocks that are staged but not committed. Blob storage keeps them for a week."""
        return await self._block_list("uncommitted")

    async def committed(self) -> list[StagedBlock]:
        return await self._block_list("committed")

    async def _block_list(self, kind: str) -> list[StagedBlock]:
        with storage_faults("listing a file's blocks"):
            try:
                committed, uncommitted = await self._blob.get_block_list(kind)
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return []
        blocks = committed if kind == "committed" else uncommitted
        return [StagedBlock(block_id=block.id, size=block.size) for block in blocks]

    async def read(self, start: int, length: int) -> bytes:
        with storage_faults("reading a file back from the archive"):
            download = await self._blob.download_blob(offset=start, length=length)
            return bytes(await download.readall())

    async def find(self) -> Stored | None:
        """The file as it is in the archive now. None if it doesn't exist."""
        return await stored_in(self._blob)

    async def write_digest(self, *, size: int, sha256: str) -> None:
        """Writes the digest of a file that was committed without one. Immutable storage refuses this."""
        with storage_faults("writing a file's digest to the archive"):
            await self._blob.set_blob_metadata(self._metadata(size, sha256))

    async def commit(self, block_ids: list[str], *, size: int, sha256: str | None) -> WriteResult:
        """Commits the staged blocks as the file, unless it exists. Checks the committed blocks and their total size.

        A file that is committed without a digest must be read back. Raises DestinationConflict if another file has
        its name.
        """
        exists = False
        with storage_faults("committing a file to the archive"):
            try:
                await self._blob.commit_block_list(
                    [BlobBlock(block_id=block_id) for block_id in block_ids],
                    content_settings=self._content,
                    metadata=self._metadata(size, sha256),
                    match_condition=MatchConditions.IfMissing,
                )
            except ResourceExistsError as error:
                if not is_taken(error):
                    raise
                exists = True
        committed = await self.committed()
        if [block.block_id for block in committed] == block_ids and sum(block.size for block in committed) == size:
            return WriteResult.STORED
        if not exists:
            raise DestinationUnavailable("the committed blocks differ from the staged blocks")
        return await self._held(size, sha256)

    async def _held(self, size: int, sha256: str | None) -> WriteResult:
        """For a second writer: compares the existing file with its own, by size and digest.

        Raises DestinationConflict if they differ, and DestinationUnavailable if the writer has no digest to compare.
        """
        stored = await stored_in(self._blob)
        if stored is not None and stored.size == size:
            if sha256 is None:
                raise DestinationUnavailable("another worker stored this chunk's file meanwhile")
            if stored.sha256 is None:
                return WriteResult.UNVERIFIED
            if stored.sha256 == sha256:
                return WriteResult.STORED
        raise DestinationConflict.of(self.name)

    def _metadata(self, size: int, sha256: str | None) -> dict[str, str]:
        kept = {**self._properties, _SIZE: str(size), **({} if sha256 is None else {_SHA256: sha256})}
        return {name: quote(value, safe=":/+=,;@") for name, value in kept.items()}


class Archive:
    """The customer's container of recordings."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._files = service.get_container_client(container)

    def file(self, name: str, *, content_type: str, properties: dict[str, str]) -> ArchiveFile:
        """`properties` become the blob's metadata: the catalogue can be rebuilt from them."""
        return ArchiveFile(self._files.get_blob_client(name), content_type=content_type, properties=properties)

    async def find(self, name: str) -> Stored | None:
        return await stored_in(self._files.get_blob_client(name))

    async def files_of(self, stem: str) -> dict[str, Stored]:
        """All files of one chunk, by ending ("mp3", "metadata.json", "unverified.mp4"), from one listing.

        Check `document_id` of each file: if another document's id starts with this one's, its files may be included.
        """
        prefix = f"{stem}."
        with storage_faults("listing a chunk's files in the archive"):
            return {
                blob.name.removeprefix(prefix): _stored(blob.name, blob)
                async for blob in self._files.list_blobs(name_starts_with=prefix, include=["metadata"])
            }

    async def files(self) -> AsyncIterator[ArchivedFile]:
        """Every file of the archive, with its properties. Reads one page at a time."""
        with storage_faults("listing the archive"):
            async for blob in self._files.list_blobs(include=["metadata"]):
                yield ArchivedFile(
                    name=blob.name,
                    size=blob.size,
                    content_type=blob.content_settings.content_type or "application/octet-stream",
                    archived_at=blob.creation_time,
                    properties=_properties(blob),
                )


def _checked(checksum: Checksum) -> dict[str, bytearray]:
    """The SDK's option for a checksum that is already computed."""
    return {_CHECKSUM_OPTIONS[checksum.kind]: bytearray(checksum.value)}


async def stored_in(blob: Any) -> Stored | None:
    with storage_faults("checking a file in the archive"):
        try:
            found = await blob.get_blob_properties()
        except ResourceNotFoundError as error:
            if not is_absent(error):
                raise
            return None
    return _stored(blob.blob_name, found)


def _stored(name: str, found: Any) -> Stored:
    kept = _properties(found)
    return Stored(
        name=name,
        size=found.size,
        sha256=kept.get(_SHA256),
        document_id=kept.get(_DOCUMENT_ID),
        is_whole=kept.get(_SIZE) == str(found.size),
        origin=kept.get(ORIGIN),
    )


def _properties(found: Any) -> dict[str, str]:
    # The SDK's listing returns None for an empty value.
    return {name.lower(): unquote(value or "") for name, value in (found.metadata or {}).items()}
