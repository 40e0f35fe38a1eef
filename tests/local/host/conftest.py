"""A host that is shared by tests that don't harm it, and queues for tests that start their own."""

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
