"""Somebody stops, pauses or consents to a recording before Callvault has written its start: it stays on its lists.

They know the recordingId from a callback of their own. `listedAt` is part of each list entry's key, so a second value
would take the recording off the lists of its call, correlation and labels.
"""

import json
from collections.abc import Callable

import pytest

from local.memory.acs import Recording as Running
from local.memory.storage.account import Operation, Turn
from shared.app import App
from shared.domain.keys import key_of
from shared.domain.records import Recording
from tests.unit.world import World

CALL = "aHR0cHM6Ly9jb252LnNreXBlLmNvbS9jb252L2NhbGw="
NAME = "recording-1"
KEY = key_of(NAME)


def meets(world: World, started: Recording) -> Turn:
    """The start is written just before the first write of the action."""

    async def meeting[T](operation: Operation, apply: Callable[[], T], /) -> T:
        is_new = await world.gateways.catalogue.ledger(KEY) is None
        if is_new and operation.writes and operation.target == world.settings.recordings_table:
            await world.writers.recordings.merge(started)
        return apply()

    return meeting


async def resume(app: App) -> None:
    consent = {"basis": "consent", "reference": "ticket 4711", "obtainedAt": "2026-11-21T09:00:00+01:00"}
    await app.commands.resume(NAME, json.dumps({"consent": consent}).encode(), by="ada")


async def stop(app: App) -> None:
    await app.commands.stop(NAME, by="ada")


async def pause(app: App) -> None:
    await app.commands.pause(NAME, by="ada")


@pytest.mark.parametrize("act", [stop, pause, resume])
async def test_a_recording_stays_on_the_list_of_its_call(act: Callable[[App], object]):
    world = await World.made()
    world.acs.recordings[NAME] = Running(CALL)
    now = world.clock.now()
    started = Recording(recording_key=KEY, recording_id=NAME, server_call_id=CALL, requested_at=now, listed_at=now)
    world.clock.forward(minutes=1)
    world.host.restart(meets(world, started))
    await act(world.host.app)
    written = await world.gateways.catalogue.ledger(KEY)
    assert written is not None
    assert written.listed_at == now
    page = json.loads((await world.host.app.queries.recordings({"serverCallId": CALL}, None, by="ada")).body)
    assert [one["recordingKey"] for one in page["recordings"]] == [KEY]
