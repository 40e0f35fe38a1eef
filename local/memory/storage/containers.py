"""Clients of Blob Storage in memory: service and container, over the state in local.memory.block_blobs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

from azure.storage.blob import BlobProperties, ContainerProperties

from local.memory.storage.account import Account, Client, check_options
from local.memory.storage.blobs import URL, Download, MemoryBlobClient, ask, container_of
from local.memory.storage.block_blobs import Container
from local.memory.storage.paging import Paged
from local.memory.storage.refusals import Refused, Response

_PAGE = 5000  # blobs in a listing's response at most


@dataclass(frozen=True)
class SharedKey:
    """As the SDK's credential of a connection string: enough to sign a link with."""

    account_name: str = "memory"
    account_key: str = "bWVtb3J5"


class MemoryContainerClient(Client):
    """One container, as azure.storage.blob.aio.ContainerClient."""

    def __init__(self, account: Account, container_name: str) -> None:
        self._account, self.container_name = account, container_name
        self.url = f"{URL}/{container_name}"

    async def create_container(self) -> None:
        def apply() -> None:
            if self.container_name in self._account.containers:
                raise Refused(409, "ContainerAlreadyExists")
            self._account.containers[self.container_name] = Container(self._account, self.container_name)

        await self._ask("create_container", apply)

    async def delete_container(self) -> None:
        def apply() -> None:
            container_of(self._account, self.container_name)
            del self._account.containers[self.container_name]

        await self._ask("delete_container", apply)

    async def set_container_access_policy(
        self, signed_identifiers: dict[str, Any], public_access: str | None = None
    ) -> None:
        if signed_identifiers:
            raise TypeError("not implemented in memory: policies of a container")

        def apply() -> None:
            container_of(self._account, self.container_name).public_access = public_access

        await self._ask("set_container_access_policy", apply)

    def get_blob_client(self, blob: str) -> MemoryBlobClient:
        return MemoryBlobClient(self._account, self.container_name, blob)

    async def upload_blob(self, name: str, data: bytes, **options: Any) -> MemoryBlobClient:
        blob = self.get_blob_client(name)
        await blob.upload_blob(data, **options)
        return blob

    async def delete_blob(self, blob: str, **options: Any) -> None:
        await self.get_blob_client(blob).delete_blob(**options)

    async def download_blob(self, blob: str, offset: int | None = None, length: int | None = None) -> Download:
        return await self.get_blob_client(blob).download_blob(offset, length)

    async def get_container_properties(
        self, *, raw_response_hook: Callable[[Any], None] | None = None, **options: Any
    ) -> ContainerProperties:
        """Gives the hook a response that has nothing but its date."""
        check_options(options)

        def apply() -> ContainerProperties:
            if raw_response_hook is not None:
                headers = {"Date": format_datetime(self._account.now().astimezone(UTC), usegmt=True)}
                raw_response_hook(SimpleNamespace(http_response=Response(200, headers)))
            shown = container_of(self._account, self.container_name)
            found = ContainerProperties(**{"x-ms-has-immutability-policy": False, "x-ms-has-legal-hold": False})
            found.name, found.public_access = self.container_name, shown.public_access
            return found

        return await self._ask("get_container_properties", apply, writes=False)

    def list_blobs(
        self,
        name_starts_with: str | None = None,
        include: list[str] | None = None,
        *,
        results_per_page: int | None = None,
        **options: Any,
    ) -> Paged[BlobProperties]:
        check_options(options)
        if set(include or ()) - {"metadata", "uncommittedblobs"}:
            raise TypeError("not implemented in memory: anything but metadata and staged blobs in a listing")
        most = min(results_per_page or _PAGE, _PAGE)

        def read(start: str | None) -> tuple[str | None, list[BlobProperties]]:
            container = container_of(self._account, self.container_name)
            known = container.names(with_staged="uncommittedblobs" in (include or ()))
            names = [name for name in known if name.startswith(name_starts_with or "") and name >= (start or "")]
            shown = [container.listed(name, with_metadata="metadata" in (include or ())) for name in names[:most]]
            return (names[most] if len(names) > most else None), shown

        async def page(start: str | None) -> tuple[str | None, list[BlobProperties]]:
            return await self._ask("list_blobs", lambda: read(start), writes=False)

        return Paged(page)

    async def _ask[T](self, method: str, apply: Callable[[], T], *, writes: bool = True) -> T:
        return await ask(self._account, method, self.container_name, apply, writes=writes)


class MemoryBlobServiceClient(Client):
    """The containers of an account, as azure.storage.blob.aio.BlobServiceClient."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.url, self.credential = f"{URL}/", SharedKey()
        self.account_name = self.credential.account_name

    def get_container_client(self, container: str) -> MemoryContainerClient:
        return MemoryContainerClient(self._account, container)

    def get_blob_client(self, container: str, blob: str) -> MemoryBlobClient:
        return MemoryBlobClient(self._account, container, blob)

    async def create_container(self, name: str) -> MemoryContainerClient:
        container = self.get_container_client(name)
        await container.create_container()
        return container
