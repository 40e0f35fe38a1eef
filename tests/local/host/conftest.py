"""A host for every test that doesn't hurt it, and the queues of those that need their own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from azure.storage.queue.aio import QueueServiceClient

from local.stack import Azurite
from tests.local.host.queues import Queues
from tests.local.host.running import RunningHost, running_host


@pytest.fixture
def queues(azurite: Azurite) -> Queues:
    return Queues(azurite.connection_string)


@pytest_asyncio.fixture
async def storage(azurite: Azurite) -> AsyncIterator[QueueServiceClient]:
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        yield service


@pytest.fixture(scope="session")
def shared_queues(azurite: Azurite) -> Queues:
    return Queues(azurite.connection_string)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def host(tmp_path_factory: pytest.TempPathFactory, shared_queues: Queues) -> AsyncIterator[RunningHost]:
    async with running_host(tmp_path_factory.mktemp("host"), settings=shared_queues.settings) as running:
        yield running
