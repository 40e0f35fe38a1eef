"""Singleton locks: if several hosts of an app share a storage account, only one of them runs each timer.

As in the WebJobs SDK, a lock is a lease on a blob in `azure-webjobs-hosts`, named by the host's id and the
function. A host that stops releases its locks. The locks of a killed host are released when their leases expire, so
another host takes over within 40 seconds.
"""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob.aio import BlobLeaseClient, BlobServiceClient, ContainerClient

from local.host.errors import ConfigError
from local.host.triggers.message_leases import reason_of

_CONTAINER = "azure-webjobs-hosts"
_LEASE = 30  # seconds
_RENEWAL = 10.0
_NEXT_TRY = 5.0
_RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 1, "retry_total": 1}

logger = logging.getLogger("host.timers")


class Lock(Protocol):
    @property
    def held(self) -> bool: ...

    async def acquire(self, stopping: asyncio.Event) -> bool:
        """True once this host holds the lock, False if the host stops first."""
        ...

    async def release(self) -> None: ...


class NoLock:
    """The lock of a host without a storage account. There are no other hosts to exclude."""

    held = True

    async def acquire(self, stopping: asyncio.Event) -> bool:
        return not stopping.is_set()

    async def release(self) -> None:
        return


class BlobLock:
    def __init__(self, container: ContainerClient, name: str) -> None:
        self._container = container
        self._blob = container.get_blob_client(name)
        self._lease: BlobLeaseClient | None = None
        self._until = 0.0
        self._renewing: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        return self._lease is not None and time.monotonic() < self._until

    async def acquire(self, stopping: asyncio.Event) -> bool:
        while not stopping.is_set():
            if self.held or await self._try_acquire():
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_NEXT_TRY):
                    await stopping.wait()
        return False

    async def _try_acquire(self) -> bool:
        await self._stop_renewing()
        began = time.monotonic()
        try:
            await self._create_blob()
            self._lease = await self._blob.acquire_lease(_LEASE)
        except ResourceExistsError:  # another host holds the lock
            return False
        except AzureError as error:
            logger.warning("can't take the lock of a timer", extra={"reason": reason_of(error)})
            return False
        self._until = began + _LEASE
        self._renewing = asyncio.create_task(self._renew(self._lease))
        return True

    async def _create_blob(self) -> None:
        if await self._blob.exists():
            return
        with contextlib.suppress(ResourceExistsError):
            await self._container.create_container()
        with contextlib.suppress(ResourceExistsError):
            await self._blob.upload_blob(b"", overwrite=False)

    async def _renew(self, lease: BlobLeaseClient) -> None:
        while True:
            await asyncio.sleep(_RENEWAL)
            began = time.monotonic()
            try:
                await lease.renew()
            except AzureError as error:
                logger.warning("can't renew the lock of a timer", extra={"reason": reason_of(error)})
            else:
                self._until = began + _LEASE

    async def _stop_renewing(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        self._renewing, self._lease = None, None

    async def release(self) -> None:
        lease = self._lease if self.held else None
        await self._stop_renewing()
        if lease is not None:
            with contextlib.suppress(AzureError):
                await lease.release()


class Locks:
    """The locks of one host's timers. Without a connection string, nothing is locked."""

    def __init__(self, connection: str | None, host_id: str) -> None:
        """Raises ConfigError for an invalid connection string."""
        try:
            self._service = BlobServiceClient.from_connection_string(connection, **_RETRY) if connection else None
        except ValueError as error:
            raise ConfigError(f"AzureWebJobsStorage is not a storage connection string: {error}") from None
        self._host_id = host_id

    def of(self, function: str) -> Lock:
        if self._service is None:
            return NoLock()
        name = f"locks/{self._host_id}/Host.Functions.{function}.Listener"
        return BlobLock(self._service.get_container_client(_CONTAINER), name)

    async def close(self) -> None:
        if self._service is not None:
            await self._service.close()


def host_id(app: Path, settings: Mapping[str, str]) -> str:
    return settings.get("AzureFunctionsWebHost__hostid") or hashlib.sha256(str(app).encode()).hexdigest()[:32]
