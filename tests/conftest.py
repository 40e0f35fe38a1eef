"""Parts that tests of every kind share: the storage emulator, one for the whole session."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from local.stack import Azurite
from local.stack import azurite as run_azurite

# How fast a machine is decides no test.
settings.register_profile("callvault", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("callvault")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def azurite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Azurite]:
    """Shared by all tests that ask for it: each makes queues, tables and containers of names of its own."""
    async with run_azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running
