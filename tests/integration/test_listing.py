"""Finding recordings: what a list leaves out is lost to whoever looks for it."""

import json
from typing import Any

import pytest

from tests.integration.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def page(world: World, participant: str | None = None, **parameters: str) -> dict[str, Any]:
    answer = await world.app.queries.recordings(parameters, participant)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = json.loads(answer.body)
    return body


async def ids(world: World, participant: str | None = None, **parameters: str) -> list[str]:
    return [one["recordingId"] for one in (await page(world, participant, **parameters))["recordings"]]


async def test_a_recording_is_listed_from_its_event_on_and_open_until_it_is_safe(world: World):
    first, _ = await world.announced(size=30_000, format="wav", count=2)  # and so begun earlier
    second, _ = await world.announced(size=30_000, format="wav")
    both = [second["recordingId"], first["recordingId"]]
    assert await ids(world) == both
    assert await ids(world, open="true") == both
    assert await ids(world, state="archiving") == both
    assert await ids(world, state="archived") == []
    await world.drained()
    assert await ids(world) == both
    assert await ids(world, open="true") == []
    assert await ids(world, state="archived") == both
    shown = (await page(world))["recordings"][1]
    assert shown["chunks"] == {"released": 2}
    assert shown["size"] == 60_000
