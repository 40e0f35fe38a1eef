"""Every client of one process, in memory: replaces shared.gateways.clients.Clients in tests."""

from typing import Any

from azure.communication.callautomation.aio import CallAutomationClient
from azure.storage.queue import TextBase64EncodePolicy

from local.memory.acs import MemoryAcs
from local.memory.storage.account import Account
from local.memory.storage.containers import MemoryBlobServiceClient
from local.memory.storage.queues import MemoryQueueClient, MemoryQueueServiceClient
from local.memory.storage.tables import MemoryTableServiceClient
from shared.settings.accounts import StorageAccount
from shared.settings.settings import Settings


class MemoryClients:
    """One account holds the host's tables and queues, and the archive.

    `keys` reads ACS's public keys, for callbacks. `topic` receives the announcements, if there is one.
    """

    def __init__(
        self,
        account: Account,
        calls: MemoryAcs | CallAutomationClient,
        settings: Settings,
        *,
        keys: Any = None,
        topic: Any = None,
    ) -> None:
        self._account = account
        self.calls, self.keys, self.topic = calls, keys, topic
        self.tables = MemoryTableServiceClient(account)
        self.queue, self.poison = (
            MemoryQueueClient(account, name, message_encode_policy=TextBase64EncodePolicy())
            for name in (settings.chunks_queue, settings.poison_queue)
        )
        self.archive = MemoryBlobServiceClient(account)

    def blobs(self, _: StorageAccount) -> MemoryBlobServiceClient:
        return MemoryBlobServiceClient(self._account)

    def queues(self, _: StorageAccount) -> MemoryQueueServiceClient:
        return MemoryQueueServiceClient(self._account)

    async def close(self) -> None:
        """Holds nothing open."""


async def provision(account: Account, settings: Settings, *more_queues: str) -> None:
    """Creates what the deployment creates, unless it exists. The host creates the poison queue when it needs it."""
    tables, blobs = MemoryTableServiceClient(account), MemoryBlobServiceClient(account)
    for table in settings.tables:
        await tables.create_table_if_not_exists(table)
    for queue in {settings.chunks_queue, *more_queues} - account.queues.keys():
        await MemoryQueueServiceClient(account).create_queue(queue)
    for container in {*settings.archive_containers, *settings.host_containers} - account.containers.keys():
        await blobs.create_container(container)
