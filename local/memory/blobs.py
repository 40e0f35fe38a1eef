"""Clients of Blob Storage in memory: service, container and blob, over the state in local.memory.block_blobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged, AsyncList
from azure.storage.blob import BlobBlock, BlobProperties, ContainerProperties, ContentSettings

from local.memory.account import Account, Operation, Service, check_options
from local.memory.block_blobs import Container, Written, check_checksum
from local.memory.refusals import Refused

_PAGE = 5000  # blobs in a listing's response at most
_URL = "https://memory.blob.core.windows.net"
_CHECKSUMS = ("transactional_content_md5", "transactional_content_crc64")


@dataclass(frozen=True)
class SharedKey:
    """As the SDK's credential of a connection string: enough to sign a link with."""

    account_name: str = "memory"
    account_key: str = "bWVtb3J5"


class Download:
    """A blob's bytes, or a range of them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    async def readall(self) -> bytes:
        return self._data


class MemoryBlobClient:
    """One block blob, as azure.storage.blob.aio.BlobClient."""

    def __init__(self, account: Account, container_name: str, blob_name: str) -> None:
        self._account, self.container_name, self.blob_name = account, container_name, blob_name
        self.url = f"{_URL}/{container_name}/{quote(blob_name, safe='~/')}"

    async def upload_blob(
        self,
        data: bytes,
        *,
        overwrite: bool = False,
        content_settings: ContentSettings | None = None,
        metadata: dict[str, str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        checksums = _checksums(options)

        def apply() -> dict[str, Any]:
            check_checksum(data, **checksums)
            written = Written(bytes(data), content_settings or ContentSettings(), dict(metadata or {}))
            return self._container().put(self.blob_name, written, overwrite=overwrite)

        return await self._ask("upload_blob", apply)

    async def stage_block(self, block_id: str, data: Any, length: int | None = None, **options: Any) -> dict[str, Any]:
        checksums = _checksums(options)

        def apply() -> dict[str, Any]:
            content = bytes(data)[:length]
            check_checksum(content, **checksums)
            self._container().stage(self.blob_name, block_id, content)
            return {}

        return await self._ask("stage_block", apply)

    async def commit_block_list(
        self,
        block_list: list[BlobBlock],
        content_settings: ContentSettings | None = None,
        metadata: dict[str, str] | None = None,
        *,
        match_condition: MatchConditions | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        check_options(options)
        if match_condition not in (None, MatchConditions.IfMissing):
            raise TypeError("not implemented in memory: this condition")
        return await self._ask(
            "commit_block_list",
            lambda: self._container().commit(
                self.blob_name,
                [str(block.id) for block in block_list],
                Written(b"", content_settings or ContentSettings(), dict(metadata or {})),
                overwrite=match_condition is None,
            ),
        )

    async def get_block_list(
        self, block_list_type: str = "committed", **options: Any
    ) -> tuple[list[BlobBlock], list[BlobBlock]]:
        check_options(options)

        def apply() -> tuple[list[BlobBlock], list[BlobBlock]]:
            committed, staged = self._container().block_list(self.blob_name)
            return (
                _blocks(committed) if block_list_type != "uncommitted" else [],
                _blocks(staged) if block_list_type != "committed" else [],
            )

        return await self._ask("get_block_list", apply, writes=False)

    async def download_blob(self, offset: int | None = None, length: int | None = None, **options: Any) -> Download:
        wanted = _condition(options)

        def apply() -> Download:
            data = self._container().find(self.blob_name, wanted).data
            if offset is None:
                return Download(data)
            if offset >= len(data):
                raise Refused(416, "InvalidRange")
            return Download(data[offset:] if length is None else data[offset : offset + length])

        return await self._ask("download_blob", apply, writes=False)

    async def set_blob_metadata(self, metadata: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
        wanted = _condition(options)
        return await self._ask(
            "set_blob_metadata", lambda: self._container().label(self.blob_name, dict(metadata or {}), wanted)
        )

    async def get_blob_properties(self, **options: Any) -> BlobProperties:
        check_options(options)
        return await self._ask(
            "get_blob_properties", lambda: self._container().properties(self.blob_name), writes=False
        )

    async def delete_blob(self, **options: Any) -> None:
        wanted = _condition(options)
        await self._ask("delete_blob", lambda: self._container().delete(self.blob_name, wanted))

    async def _ask[T](self, method: str, apply: Callable[[], T], *, writes: bool = True) -> T:
        target = f"{self.container_name}/{self.blob_name}"
        return await _ask(self._account, method, target, apply, writes=writes)

    def _container(self) -> Container:
        return _container(self._account, self.container_name)


class MemoryContainerClient:
    """One container, as azure.storage.blob.aio.ContainerClient."""

    def __init__(self, account: Account, container_name: str) -> None:
        self._account, self.container_name = account, container_name
        self.url = f"{_URL}/{container_name}"

    async def create_container(self) -> None:
        if self.container_name not in self._account.containers:
            self._account.containers[self.container_name] = Container(self._account, self.container_name)

    def get_blob_client(self, blob: str) -> MemoryBlobClient:
        return MemoryBlobClient(self._account, self.container_name, blob)

    async def upload_blob(self, name: str, data: bytes, **options: Any) -> MemoryBlobClient:
        blob = self.get_blob_client(name)
        await blob.upload_blob(data, **options)
        return blob

    async def download_blob(self, blob: str, offset: int | None = None, length: int | None = None) -> Download:
        return await self.get_blob_client(blob).download_blob(offset, length)

    async def get_container_properties(self, **options: Any) -> ContainerProperties:
        check_options(options)

        def apply() -> ContainerProperties:
            _container(self._account, self.container_name)
            found = ContainerProperties(**{"x-ms-has-immutability-policy": False, "x-ms-has-legal-hold": False})
            found.name = self.container_name
            return found

        return await _ask(self._account, "get_container_properties", self.container_name, apply, writes=False)

    def list_blobs(
        self,
        name_starts_with: str | None = None,
        include: list[str] | None = None,
        *,
        results_per_page: int | None = None,
        **options: Any,
    ) -> AsyncItemPaged[BlobProperties]:
        check_options(options)
        if set(include or ()) - {"metadata"}:
            raise TypeError("not implemented in memory: anything but metadata in a listing")
        most = min(results_per_page or _PAGE, _PAGE)

        def page(start: str | None) -> tuple[str | None, list[BlobProperties]]:
            container = _container(self._account, self.container_name)
            names = [
                name for name in container.names() if name.startswith(name_starts_with or "") and name >= (start or "")
            ]
            shown = [container.listed(name, with_metadata=bool(include)) for name in names[:most]]
            return (names[most] if len(names) > most else None), shown

        async def get_next(start: str | None) -> Any:
            return await _ask(self._account, "list_blobs", self.container_name, lambda: page(start), writes=False)

        async def extract(answer: tuple[str | None, list[BlobProperties]]) -> Any:
            following, found = answer
            return following, AsyncList(found)

        return AsyncItemPaged(get_next, extract)


class MemoryBlobServiceClient:
    """The containers of an account, as azure.storage.blob.aio.BlobServiceClient."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.url, self.credential = f"{_URL}/", SharedKey()
        self.account_name = self.credential.account_name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Holds nothing open."""

    def get_container_client(self, container: str) -> MemoryContainerClient:
        return MemoryContainerClient(self._account, container)

    def get_blob_client(self, container: str, blob: str) -> MemoryBlobClient:
        return MemoryBlobClient(self._account, container, blob)


async def _ask[T](account: Account, method: str, target: str, apply: Callable[[], T], *, writes: bool) -> T:
    try:
        return await account.turn(Operation(service=Service.BLOB, method=method, target=target, writes=writes), apply)
    except Refused as refused:
        raise refused.refusal.of_blob() from None


def _container(account: Account, name: str) -> Container:
    container: Container | None = account.containers.get(name)
    if container is None:
        raise Refused(404, "ContainerNotFound")
    return container


def _checksums(options: dict[str, Any]) -> dict[str, bytes | None]:
    found = {name.rpartition("_")[2]: options.pop(name, None) for name in _CHECKSUMS}
    check_options(options)
    return found


def _condition(options: dict[str, Any]) -> str | None:
    """The ETag that the blob must have, None for any."""
    etag, condition = options.pop("etag", None), options.pop("match_condition", None)
    check_options(options)
    if condition not in (None, MatchConditions.IfNotModified):
        raise TypeError("not implemented in memory: this condition")
    return etag if condition else None


def _blocks(found: dict[str, bytes]) -> list[BlobBlock]:
    blocks = []
    for name, data in found.items():
        block = BlobBlock(name)
        block.size = len(data)
        blocks.append(block)
    return blocks
