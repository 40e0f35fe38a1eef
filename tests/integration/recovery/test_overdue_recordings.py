"""The sweep reports recordings whose files don't come."""

import json
import logging
from typing import Any

import pytest

from tests.integration.world import MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


KIB = 1024


async def _started(world: World) -> tuple[str, str]:
    call = await world.acs("POST", "/calls", kind="group", participants=2)
    body = json.dumps({"serverCallId": call["serverCallId"]}).encode()
    answer = await world.commands.start(body, url="https://x/api/recordings", idempotency_key=None, by="ada")
    return str(json.loads(answer.body)["recordingId"]), call["callId"]


async def _view(world: World, recording_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await world.commands.get(recording_id)).body)
    return found


async def test_a_recording_without_files_is_reported(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    recording_id, _ = await _started(world)
    await world.commands.stop(recording_id, by="ada")
    clock.forward(minutes=121)
    await world.app.sweep.run()
    view = await _view(world, recording_id)
    assert view["state"] == "overdue"
    assert view["overdueAt"] is not None
    assert [one for one in caplog.records if one.levelno == logging.ERROR and one.__dict__["action"] == "overdue"]


async def test_a_recording_that_ended_without_a_stop_is_stopped_and_its_missing_files_are_reported(
    world: World, clock: MovableClock
):
    recording_id, call_id = await _started(world)
    await world.acs("POST", f"/calls/{call_id}/end")
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert (await _view(world, recording_id))["state"] == "stopped"
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert (await _view(world, recording_id))["state"] == "overdue"


async def test_a_recording_that_still_runs_is_not_reported(world: World, clock: MovableClock):
    recording_id, _ = await _started(world)
    clock.forward(hours=5)
    await world.app.sweep.run()
    assert (await _view(world, recording_id))["state"] == "active"
    assert len(await world.worklist()) == 1


async def test_a_recording_whose_files_came_is_not_watched_any_longer(world: World, clock: MovableClock):
    recording_id, _ = await _started(world)
    made = await world.document(size=20 * KIB, recordingId=recording_id)
    await world.app.intake.receive(made["event"])
    await world.drained()
    clock.forward(minutes=121)
    await world.app.sweep.run()
    assert await world.worklist() == []
    assert (await _view(world, recording_id))["state"] == "archived"
