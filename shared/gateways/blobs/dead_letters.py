"""The container in which Event Grid keeps what it could not deliver: one blob for some events of one subscription.

Event Grid writes there, and nobody changes what it wrote, so a blob is removed only as it was when it was read.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from shared.gateways.faults import is_absent, is_changed, storage_faults


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A blob of the container, as it was listed; `etag` is its version then."""

    name: str
    size: int
    etag: str


class DeadLetters:
    """What Event Grid gave up on."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    async def all(self) -> AsyncIterator[DeadLetter]:
        """Every blob, by name and so by subscription and hour, a page at a time."""
        with storage_faults("listing the dead letters"):
            async for blob in self._container.list_blobs():
                yield DeadLetter(name=blob.name, size=blob.size, etag=blob.etag)

    async def read(self, letter: DeadLetter) -> bytes | None:
        """The blob's bytes; None when it is gone, as after another replay at the same time."""
        with storage_faults("reading a dead letter"):
            try:
                download = await self._container.download_blob(letter.name)
                return bytes(await download.readall())
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

    async def remove(self, letter: DeadLetter) -> bool:
        """Removes the blob if it still is the one that was listed; False when another stands there now."""
        blob = self._container.get_blob_client(letter.name)
        with storage_faults("removing a dead letter"):
            try:
                await blob.delete_blob(etag=letter.etag, match_condition=MatchConditions.IfNotModified)
            except HttpResponseError as error:
                if is_changed(error):  # also said of a blob that is gone
                    return not await blob.exists()
                if not is_absent(error):
                    raise
        return True
