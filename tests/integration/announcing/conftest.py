"""Worlds that announce."""

from typing import Any

import pytest

from local.acs.simulator import Simulator
from tests.integration.world import MakeWorld, World


@pytest.fixture(name="make_announcing")
def make_announcing_fixture(make_world: MakeWorld, simulator: Simulator) -> MakeWorld:
    """Makes worlds with a topic for announcements."""

    async def make(**overrides: Any) -> World:
        topic = {"ANNOUNCE_TOPIC_ENDPOINT": simulator.topic_endpoint, "ANNOUNCE_TOPIC_KEY": simulator.topic_key}
        world: World = await make_world(**(topic | overrides))
        return world

    return make
