"""A simulator for each test, and clients that reach it as they would reach the real service."""

import pytest

from local.acs.simulator import Options, Simulator
from tests.local.acs.clients import Control, sdk_client
from tests.local.acs.webhook import webhook


@pytest.fixture
async def simulator(tmp_path):
    async with Simulator(Options(state=tmp_path / "acs", event_delay=0.01, oddities=False)) as simulator:
        yield simulator


@pytest.fixture
async def control(simulator):
    async with Control(simulator.control) as control:
        yield control


@pytest.fixture
async def client(simulator):
    async with sdk_client(simulator, simulator.connection_string) as client:
        yield client


@pytest.fixture
async def hook(control):
    """A webhook that is subscribed to everything, with retries that a test can wait for."""
    async with webhook() as hook:
        await control.post("/subscriptions", endpoint=hook.url, retrySeconds=[0.02, 0.02])
        yield hook
