"""The client of a block blob in memory, over the state in local.memory.block_blobs."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, BlobProperties, ContentSettings, StandardBlobTier

from local.memory.storage.account import Account, Client, Service, check_options, operation_of
from local.memory.storage.block_blobs import Container, Written, check_checksum
from local.memory.storage.refusals import Refused

URL = "https://memory.blob.core.windows.net"
_CHECKSUMS = ("transactional_content_md5", "transactional_content_crc64")


class Download:
    """A blob's bytes, or a range of them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    async def readall(self) -> bytes:
        return self._data


class MemoryBlobClient(Client):
    """One block blob, as azure.storage.blob.aio.BlobClient."""

    def __init__(self, account: Account, container_name: str, blob_name: str) -> None:
        self._account, self.container_name, self.blob_name = account, container_name, blob_name
        self.url = f"{URL}/{container_name}/{quote(blob_name, safe='~/')}"

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
        block_list: list[BlobBlock | str],
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
                [block if isinstance(block, str) else str(block.id) for block in block_list],
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
            data = self._container().read(self.blob_name, wanted)
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

    async def exists(self) -> bool:
        return await self._ask("exists", lambda: self.blob_name in self._container().names(), writes=False)

    async def set_standard_blob_tier(self, standard_blob_tier: StandardBlobTier) -> None:
        await self._ask(
            "set_standard_blob_tier",
            lambda: self._container().move(self.blob_name, StandardBlobTier(standard_blob_tier)),
        )

    async def delete_blob(self, **options: Any) -> None:
        wanted = _condition(options)
        await self._ask("delete_blob", lambda: self._container().delete(self.blob_name, wanted))

    async def _ask[T](self, method: str, apply: Callable[[], T], *, writes: bool = True) -> T:
        target = f"{self.container_name}/{self.blob_name}"
        return await ask(self._account, method, target, apply, writes=writes)

    def _container(self) -> Container:
        return container_of(self._account, self.container_name)


async def ask[T](account: Account, method: str, target: str, apply: Callable[[], T], *, writes: bool) -> T:
    try:
        return await account.turn(operation_of(Service.BLOB, method, target, writes, True), apply)  # noqa: FBT003 - is retried
    except Refused as refused:
        raise refused.refusal.of_blob() from None


def container_of(account: Account, name: str) -> Container:
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
