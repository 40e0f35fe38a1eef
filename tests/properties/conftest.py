"""An archive in memory, and a stack for hostile input."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from local.memory.storage.account import Account
from local.memory.storage.containers import MemoryBlobServiceClient
from local.stack import Stack, StackOptions
from shared.domain.clock import SystemClock
from shared.gateways.blobs.archive import Archive
from tests.acceptance.conftest import Deployment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def archive() -> Archive:
    service: Any = MemoryBlobServiceClient(Account(SystemClock()))
    await service.create_container("archive")
    return Archive(service, "archive")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def besieged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A stack for hostile input only, so that its leftovers don't affect other tests."""
    settings = {
        "RETRY_BASE_SECONDS": "0.1",
        "MAX_ATTEMPTS": "2",
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:00",
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2",
    }
    options = StackOptions(directory=tmp_path_factory.mktemp("besieged"), workers=2, settings=settings)
    async with Stack(options) as stack, aiohttp.ClientSession() as http:
        deployment = Deployment(where=stack.addresses, http=http)
        yield deployment
        assert stack.addresses.pids.workers == deployment.where.pids.workers, "a worker crashed under hostile input"
