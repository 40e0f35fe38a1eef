"""The timeline of a recording, even if only a part of it is known."""

import json
from typing import Any

import pytest

from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def timeline(world: World, recording: str) -> list[dict[str, Any]]:
    answer = await world.queries.timeline(recording, by="ada")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store"), answer.body
    chunks: list[dict[str, Any]] = json.loads(answer.body)["chunks"]
    return chunks


@pytest.mark.storage("memory", "azurite")
async def test_the_timeline_shows_each_chunk_by_its_archived_metadata(world: World):
    made = await world.document(size=20_000, format="wav", count=2, channels=2)
    await world.app.intake.receive(made["event"])
    before = await timeline(world, made["recordingId"])
    assert [(one["index"], one["state"], one["startedAt"], one["pauses"]) for one in before] == [
        (0, "pending", None, None),
        (1, "pending", None, None),
    ]
    await world.drained()
    for shown, original in zip(await timeline(world, made["recordingId"]), made["chunks"], strict=True):
        metadata = original["metadata"]
        assert (shown["documentId"], shown["durationMs"]) == (original["documentId"], metadata["chunkDuration"])
        assert shown["startedAt"] is not None
        channels = [
            {"participantId": one["participantId"], "channel": one.get("channel")} for one in metadata["participants"]
        ]
        assert shown["participants"] == channels


async def test_an_unknown_recording_has_no_timeline(world: World):
    assert (await world.queries.timeline("0" * 32, by="ada")).status == 404
    assert (await world.queries.timeline("no recording", by="ada")).status == 400
