"""One account in memory and one in Azurite, for tests that both must pass.

Each test gets a table, a queue and a container of its own, through the SDK's clients or through those in memory.
"""

import functools
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest_asyncio
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.memory.storage.account import Account
from local.memory.storage.containers import MemoryBlobServiceClient
from local.memory.storage.queues import MemoryQueueClient, MemoryQueueServiceClient
from local.memory.storage.tables import MemoryTableServiceClient
from local.stack import Azurite, Resources, provision
from shared.bookkeeping.writers import Writers
from shared.domain.clock import SystemClock
from shared.gateways.bundle import Gateways
from tests.unit.world import memory_settings


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Clients of one account. `mark` is part of every name that the test uses."""

    tables: Any
    table: Any
    queue: Any
    queues: Callable[[], Any]
    blobs: Any
    container: Any
    mark: str


@dataclass(frozen=True, kw_only=True)
class Store:
    """What the product writes and reads through."""

    gateways: Gateways
    writers: Writers


_NO_CLIENTS = dict.fromkeys(("calls", "keys", "topic"))


@pytest_asyncio.fixture(params=["memory", "azurite"], loop_scope="session")
async def storage(request: Any, azurite: Azurite) -> AsyncIterator[Storage]:
    mark = uuid.uuid4().hex[:12]
    policies = {"message_encode_policy": TextBase64EncodePolicy(), "message_decode_policy": TextBase64DecodePolicy()}
    tables: Any
    queue: Any
    queues: Callable[[], Any]
    blobs: Any
    if request.param == "memory":
        account = Account(SystemClock())
        tables, blobs = MemoryTableServiceClient(account), MemoryBlobServiceClient(account)
        queue = MemoryQueueClient(account, f"queue-{mark}", **policies)
        queues = functools.partial(MemoryQueueServiceClient, account)
        await queue.create_queue()
        await tables.get_table_client(f"table{mark}").create_table()
        await blobs.get_container_client(f"container-{mark}").create_container()
    else:
        await provision(
            azurite.connection_string,
            Resources(queues=(f"queue-{mark}",), tables=(f"table{mark}",), containers=(f"container-{mark}",)),
        )
        tables = TableServiceClient.from_connection_string(azurite.connection_string)
        blobs = BlobServiceClient.from_connection_string(azurite.connection_string)
        queues = functools.partial(QueueServiceClient.from_connection_string, azurite.connection_string)
        queue = QueueClient.from_connection_string(azurite.connection_string, f"queue-{mark}", **policies)
    yield Storage(
        tables=tables,
        table=tables.get_table_client(f"table{mark}"),
        queue=queue,
        queues=queues,
        blobs=blobs,
        container=blobs.get_container_client(f"container-{mark}"),
        mark=mark,
    )
    for client in (tables, queue, blobs):
        await client.close()


@pytest_asyncio.fixture(loop_scope="session")
async def store(storage: Storage) -> Store:
    """The product's gateways and writers, over either kind of storage."""
    names = {name: f"{name}{storage.mark}" for name in ("recordings", "calendar", "worklist", "links")}
    for name in names.values():
        await storage.tables.create_table(name)
    clients: Any = SimpleNamespace(
        tables=storage.tables, queue=storage.queue, poison=storage.queue, archive=storage.blobs, **_NO_CLIENTS
    )
    settings = memory_settings(**{f"{name}_table": table for name, table in names.items()})
    gateways = Gateways.over(clients, settings)
    return Store(gateways=gateways, writers=Writers.over(gateways))


def code_of(error: Any) -> str | None:
    """The service's error code, as the gateways read it."""
    code = getattr(error, "error_code", None)
    return None if code is None else str(getattr(code, "value", code))
