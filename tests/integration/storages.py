"""The two kinds of storage that a world can have: in memory, and Azurite. A test can look into both alike."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueClient

from local.memory.clients import MemoryClients
from local.memory.clients import provision as provision_memory
from local.memory.storage.account import Account, Operation
from local.memory.storage.containers import MemoryContainerClient
from local.memory.storage.queues import MemoryQueueClient
from local.memory.storage.tables import MemoryTableClient
from local.stack import Azurite, Resources, provision
from shared.domain.clock import Clock, SystemClock
from shared.gateways.clients import Clients
from shared.settings.settings import Settings

# A request over the network to this account fails at once: nothing listens on the port.
_NOWHERE = "AccountName=memory;AccountKey=bWVtb3J5;" + ";".join(
    f"{service}Endpoint=http://127.0.0.1:9/memory" for service in ("Blob", "Queue", "Table")
)


class MovableClock(SystemClock):
    """The machine's clock, which tests can move forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def forward(self, **by: float) -> None:
        self._ahead += timedelta(**by)


class QuickClock(MovableClock):
    """Pauses move the clock and take no real time."""

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds=seconds)


class Storage(Protocol):
    """An account: the app's clients, and clients for the test, which are async context managers as the SDK's."""

    connection_string: str

    def clients(self, settings: Settings, clock: Clock) -> Any:
        """New clients for an app."""

    async def provision(self, settings: Settings) -> None:
        """Creates what the deployment and the host create."""

    async def soon(self) -> None:
        """Lets a moment pass for a message that is hidden."""

    def table(self, name: str) -> Any: ...

    def container(self, name: str) -> Any: ...

    def queue(self, name: str, **policies: Any) -> Any: ...


class AzuriteStorage:
    def __init__(self, azurite: Azurite) -> None:
        self.connection_string = azurite.connection_string

    def clients(self, settings: Settings, clock: Clock) -> Clients:
        del clock  # Azurite has the machine's
        return Clients(settings)

    async def provision(self, settings: Settings) -> None:
        resources = Resources(
            queues=(settings.chunks_queue, settings.poison_queue),
            tables=settings.tables,
            containers=settings.archive_containers + settings.host_containers,
        )
        await provision(self.connection_string, resources)

    async def soon(self) -> None:
        await asyncio.sleep(0.05)

    def table(self, name: str) -> TableClient:
        return TableClient.from_connection_string(self.connection_string, name)

    def container(self, name: str) -> ContainerClient:
        return ContainerClient.from_connection_string(self.connection_string, name)

    def queue(self, name: str, **policies: Any) -> QueueClient:
        return QueueClient.from_connection_string(self.connection_string, name, **policies)


class _Clients(MemoryClients):
    """Storage in memory, and the SDK's clients for the ACS simulator."""

    def __init__(self, account: Account, settings: Settings) -> None:
        self._real = Clients(settings)
        super().__init__(account, self._real.calls, settings, keys=self._real.keys, topic=self._real.topic)

    async def close(self) -> None:
        await self._real.close()


async def _yielding[T](_: Operation, apply: Callable[[], T], /) -> T:
    """Lets other tasks run before each operation, as a request over the network does."""
    await asyncio.sleep(0)
    return apply()


class MemoryStorage:
    """One account, which has the clock of the first app."""

    connection_string = _NOWHERE

    def __init__(self) -> None:
        self._account = Account(SystemClock())
        self._account.turn = _yielding
        self._clocks: list[Clock] = []

    def clients(self, settings: Settings, clock: Clock) -> _Clients:
        """Raises if the settings name another account."""
        assert settings.host_storage.connection_string == settings.archive_storage.connection_string == _NOWHERE
        self._clocks.append(clock)
        self._account.clock = self._clocks[0]
        return _Clients(self._account, settings)

    async def provision(self, settings: Settings) -> None:
        await provision_memory(self._account, settings, settings.poison_queue)

    async def soon(self) -> None:
        for clock in self._clocks:
            assert isinstance(clock, MovableClock)
            clock.forward(seconds=1)
        await asyncio.sleep(0)

    def table(self, name: str) -> MemoryTableClient:
        return MemoryTableClient(self._account, name)

    def container(self, name: str) -> MemoryContainerClient:
        return MemoryContainerClient(self._account, name)

    def queue(self, name: str, **policies: Any) -> MemoryQueueClient:
        return MemoryQueueClient(self._account, name, **policies)
