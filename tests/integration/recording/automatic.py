"""Calls that are recorded automatically, for tests."""

import json
from typing import Any

from local.acs.identifiers import RESOURCE_ID
from tests.integration.world import MakeWorld, QuickClock, World

CALLBACK_URL = "https://callvault.example/api/callbacks"


async def recording(
    make_world: MakeWorld, rules: Any = ({"format": "mp3", "correlation": "by rule"},), **settings: Any
) -> tuple[World, QuickClock]:
    clock = QuickClock()
    world: World = await make_world(
        clock=clock,
        AUTO_RECORD=json.dumps(rules),
        CALLBACK_URL=CALLBACK_URL,
        CALLBACK_AUDIENCE=RESOURCE_ID,
        CALLBACK_SECRET="a secret of thirty-two letters, or more",
        **settings,
    )
    return world, clock


async def begun(world: World, kind: str = "group") -> tuple[dict[str, Any], dict[str, Any]]:
    """Begins a call, and returns it with the event that announces it."""
    call = await world.acs("POST", "/calls", kind=kind)
    events = [one["event"] for one in await world.acs("GET", "/events")]
    (event,) = [
        one
        for one in events
        if one["eventType"].endswith("CallStarted") and one["data"]["serverCallId"] == call["serverCallId"]
    ]
    return call, event


async def recordings_of(world: World, call: dict[str, Any]) -> list[dict[str, Any]]:
    found = await world.acs("GET", "/recordings")
    return [one for one in found if one["serverCallId"] == call["serverCallId"]]


async def at_rest(world: World, clock: QuickClock) -> None:
    """Checks that the sweep soon has no row of a call left."""
    for _ in range(2):
        clock.forward(minutes=3)
        await world.app.sweep.run()
    assert [item async for item in world.gateways.worklist.due(clock.now()) if item.call_key] == []


async def view(world: World, recording_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads((await world.commands.get(recording_id)).body)
    return shown
