"""The archive as its readers see it: small files whole, and where a file is.

A file that the customer's own rules took away or sent to cold storage is no fault of anyone's, and told as absent.
"""

from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobServiceClient

from shared.gateways.faults import is_absent, is_cold, storage_faults


class Archived:
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

    async def read(self, name: str, *, limit: int) -> bytes | None:
        """A file's first `limit` bytes; None when it isn't there, or can't be read where it lies."""
        with storage_faults("reading a file of the archive"):
            try:
                download = await self._files.get_blob_client(name).download_blob(offset=0, length=limit)
                return bytes(await download.readall())
            except HttpResponseError as error:
                if is_absent(error) or is_cold(error):
                    return None
                raise
