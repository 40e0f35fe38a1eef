"""Every client of one process, in memory: replaces shared.gateways.clients.Clients in tests."""

from azure.storage.queue import TextBase64EncodePolicy

from local.memory.account import Account
from local.memory.acs import MemoryAcs
from local.memory.blobs import MemoryBlobServiceClient
from local.memory.queues import MemoryQueueClient
from local.memory.tables import MemoryTableServiceClient
from shared.settings.accounts import StorageAccount
from shared.settings.settings import Settings


class MemoryClients:
    """One account holds the host's tables and queues, and the archive. No topic, no callbacks."""

    def __init__(self, account: Account, acs: MemoryAcs, settings: Settings) -> None:
        self._account = account
        self.calls = acs
        self.keys = None
        self.topic = None
        self.tables = MemoryTableServiceClient(account)
        self.queue, self.poison = (
            MemoryQueueClient(account, name, message_encode_policy=TextBase64EncodePolicy())
            for name in (settings.chunks_queue, settings.poison_queue)
        )
        self.archive = MemoryBlobServiceClient(account)

    def blobs(self, _: StorageAccount) -> MemoryBlobServiceClient:
        return MemoryBlobServiceClient(self._account)

    async def close(self) -> None:
        """Holds nothing open."""


async def provision(account: Account, settings: Settings) -> None:
    """Creates what the deployment creates. The host creates the poison queue when it first needs it."""
    tables, blobs = MemoryTableServiceClient(account), MemoryBlobServiceClient(account)
    for table in settings.tables:
        await tables.get_table_client(table).create_table()
    await MemoryQueueClient(account, settings.chunks_queue).create_queue()
    for container in settings.archive_containers + settings.host_containers:
        await blobs.get_container_client(container).create_container()
