"""Reads the archive: whether a file exists, its URL, and the content of metadata files.

A file in the archive tier exists, but can't be read until it is rehydrated.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobServiceClient

from shared.contracts.chunk_metadata import MOST_BYTES
from shared.gateways.faults import is_absent, is_cold, storage_faults

_COLD_TIER = "Archive"


class Unreadable(StrEnum):
    """Why a file can't be read."""

    ABSENT = "absent"  # the file doesn't exist
    COLD = "cold"  # the file is in the archive tier


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file that exists in the archive. `size` in bytes."""

    size: int
    is_cold: bool


class ArchiveReader:
    """Reads archived files."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._files = service.get_container_client(container)

    def url(self, name: str) -> str:
        """A file's URL, without the SAS of the app's own requests."""
        return str(self._files.get_blob_client(name).url).partition("?")[0]

    def home(self) -> str:
        """The container's URL, without the SAS of the app's own requests."""
        return str(self._files.url).partition("?")[0]

    async def check(self) -> None:
        """Checks that the container can be reached. Changes nothing."""
        with storage_faults("checking the archive's container"):
            await self._files.get_container_properties()

    async def find(self, name: str) -> Found | None:
        """The file, or None if it doesn't exist."""
        with storage_faults("looking for a file of the archive"):
            try:
                found: Any = await self._files.get_blob_client(name).get_blob_properties()
            except HttpResponseError as error:
                if is_absent(error):
                    return None
                raise
        return Found(size=int(found.size), is_cold=found.blob_tier == _COLD_TIER)

    async def metadata(self, name: str) -> bytes | Unreadable:
        """The content of a metadata file, or why it can't be read. Truncated to the largest size that is archived."""
        with storage_faults("reading a file of the archive"):
            try:
                download = await self._files.get_blob_client(name).download_blob(offset=0, length=MOST_BYTES)
                return bytes(await download.readall())
            except HttpResponseError as error:
                if is_absent(error):
                    return Unreadable.ABSENT
                if is_cold(error):
                    return Unreadable.COLD
                raise
