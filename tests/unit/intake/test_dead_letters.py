"""A dead letter whose events were processed is removed. One that stays would be read and reported for ever."""

import json
from typing import Any

import pytest

from tests.unit.world import World, document, event_of

NAME = "0-wus-d4-a"


def own_storage() -> dict[str, Any]:
    event = event_of("recording-1", NAME)
    event["data"]["storageType"] = "AzureBlob"
    return event


def call_ended() -> dict[str, Any]:
    return event_of("recording-1", NAME) | {"eventType": "Microsoft.Communication.CallEnded"}


async def processed(world: World, *events: dict[str, Any]) -> list[str]:
    """The dead letters that a run of the timer leaves."""
    container = world.settings.deadletter_container
    async with world.host.app.clients.blobs(world.settings.host_storage) as service:
        blobs = service.get_container_client(container)
        if container not in world.account.containers:
            await blobs.create_container()
        await blobs.upload_blob("letter.json", json.dumps(list(events)).encode())
    await world.host.app.dead_letters.run()
    return list(world.files(container))


@pytest.mark.parametrize(
    "event", [event_of("recording-1", NAME), own_storage()], ids=["files", "in the customer's own storage"]
)
async def test_a_dead_letter_that_was_processed_is_removed(event: dict[str, Any]):
    assert await processed(await World.made(document(NAME)), event) == []


async def test_a_dead_letter_of_another_type_stays():
    assert await processed(await World.made(document(NAME)), own_storage(), call_ended()) == ["letter.json"]
