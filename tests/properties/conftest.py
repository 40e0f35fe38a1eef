"""Real storage for property tests, in separate containers and tables."""

import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from azure.storage.blob.aio import BlobServiceClient

from local.stack import Azurite, Resources, Stack, StackOptions, provision
from shared.gateways.blobs.archive import Archive
from tests.acceptance.conftest import Deployment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def archive(azurite: Azurite) -> AsyncIterator[Archive]:
    name = f"properties-{uuid.uuid4().hex[:12]}"
    await provision(azurite.connection_string, Resources(queues=(), tables=(), containers=(name,)))
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        yield Archive(service, name)


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
