"""The dead-letter container, where Event Grid stores events that it couldn't deliver.

Each blob has some events of one subscription. A blob is removed only if it hasn't changed since it was listed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from shared.gateways.faults import is_absent, is_changed, storage_faults

_COUNTED = 5000  # blobs: the most that one request lists


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A blob of the container, as listed. `etag` is its version at that time."""

    name: str
    size: int
    etag: str


class DeadLetters:
    """The dead-letter container."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    async def all(self) -> AsyncIterator[DeadLetter]:
        """Every blob, sorted by name and therefore by subscription and hour. Reads one page at a time."""
        with storage_faults("listing the dead letters"):
            async for blob in self._container.list_blobs():
                yield DeadLetter(name=blob.name, size=blob.size, etag=blob.etag)

    async def count(self) -> int:
        """The number of blobs, 5,000 at most: one operation."""
        with storage_faults("counting the dead letters"):
            async for page in self._container.list_blobs(results_per_page=_COUNTED).by_page():
                return len([blob async for blob in page])
        return 0

    async def read(self, letter: DeadLetter) -> bytes | None:
        """The blob's bytes. None if it no longer exists, for example because another replay removed it."""
        with storage_faults("reading a dead letter"):
            try:
                download = await self._container.download_blob(letter.name)
                return bytes(await download.readall())
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

    async def remove(self, letter: DeadLetter) -> bool:
        """Removes the blob unless it was changed since it was listed. Returns whether it is gone."""
        blob = self._container.get_blob_client(letter.name)
        with storage_faults("removing a dead letter"):
            try:
                await blob.delete_blob(etag=letter.etag, match_condition=MatchConditions.IfNotModified)
            except HttpResponseError as error:
                if is_changed(error):  # the answer for a blob that is gone, too
                    return not await blob.exists()
                if not is_absent(error):
                    raise
        return True
