"""The archive as its readers see it: whether a file is there, where it is, and small files whole.

A file in the archive tier is there, and can't be read until somebody rehydrates it.
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

    ABSENT = "absent"  # there is no such file
    COLD = "cold"  # the archive tier holds it


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file that is in the archive. `size` in bytes."""

    size: int
    is_cold: bool


class ArchiveReader:
    """Reads what was archived."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._files = service.get_container_client(container)

    def url(self, name: str) -> str:
        """A file's address, without what signs the app's own requests."""
        return str(self._files.get_blob_client(name).url).partition("?")[0]

    def home(self) -> str:
        """The container's address, likewise."""
        return str(self._files.url).partition("?")[0]

    async def check(self) -> None:
        """Asks after the container, and changes nothing."""
        with storage_faults("asking after the archive's container"):
            await self._files.get_container_properties()

    async def find(self, name: str) -> Found | None:
        """Looks for a file; None when it isn't there."""
        with storage_faults("looking for a file of the archive"):
            try:
                found: Any = await self._files.get_blob_client(name).get_blob_properties()
            except HttpResponseError as error:
                if is_absent(error):
                    return None
                raise
        return Found(size=int(found.size), is_cold=found.blob_tier == _COLD_TIER)

    async def metadata(self, name: str) -> bytes | Unreadable:
        """A metadata file, or why it can't be read. One larger than any that is archived is cut off."""
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
