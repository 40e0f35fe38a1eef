"""A world that receives ACS's callbacks."""

import pytest_asyncio

from tests.integration.recording.callbacks.sent import SETTINGS
from tests.integration.world import MakeWorld, World


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld) -> World:
    made: World = await make_world(**SETTINGS)
    return made
