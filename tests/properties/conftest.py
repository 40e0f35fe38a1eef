"""Real storage for properties, in containers and tables of their own."""

import uuid
from collections.abc import AsyncIterator

import pytest_asyncio
from azure.storage.blob.aio import BlobServiceClient

from local.stack import Azurite, Resources, provision
from shared.gateways.archive import Archive


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def archive(azurite: Azurite) -> AsyncIterator[Archive]:
    name = f"properties-{uuid.uuid4().hex[:12]}"
    await provision(azurite.connection_string, Resources(queues=(), tables=(), containers=(name,)))
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        yield Archive(service, name, name)
