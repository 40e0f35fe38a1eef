"""Archived recordings whose files are removed and restored."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.integration.queries.kept import Kept
from tests.integration.world import MakeWorld, MovableClock


@pytest_asyncio.fixture(name="keep", loop_scope="session")
async def keep_fixture(make_world: MakeWorld, clock: MovableClock) -> AsyncIterator[Any]:
    """Makes recordings whose chunks are released."""
    containers: list[Any] = []

    async def keep(count: int = 1, **settings: Any) -> Kept:
        world = await make_world(clock=clock, **settings)
        made, job = await world.announced(size=30_000, format="wav", count=count, participants=[{"name": "Alice"}])
        await world.drained()
        name = world.settings.archive_container
        containers.append(world.container(name))
        return Kept(world, containers[-1], made, job)

    yield keep
    await asyncio.gather(*(one.close() for one in containers))
