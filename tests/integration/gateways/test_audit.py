"""Audit entries: every action on a recording has an entry, in order, which is never changed."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.clock import SystemClock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Recording
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://callvault.example/api/recordings"


async def history(world: World, recording_id: str) -> list[dict[str, Any]]:
    view = json.loads((await world.commands.get(recording_id)).body)
    return [{"action": one["action"], "by": one["by"], "details": one["details"]} for one in view["history"]]


@pytest.mark.storage("memory", "azurite")
async def test_actions_of_callers_are_shown_in_order_with_the_caller(world: World):
    call = await world.acs("POST", "/calls")
    body = json.dumps({"serverCallId": call["serverCallId"]}).encode()
    endpoints = world.commands
    started = json.loads((await endpoints.start(body, url=URL, idempotency_key=None, by="ada")).body)
    recording_id = started["recordingId"]
    await endpoints.pause(recording_id, by="bob")
    await endpoints.resume(recording_id, by="cy")
    await endpoints.stop(recording_id, by="ada")
    await endpoints.stop(recording_id, by="too late")
    await endpoints.replay(recording_id, by="eve")
    shown = await history(world, recording_id)
    assert [(one["action"], one["by"]) for one in shown] == [
        ("start", "ada"),
        ("pause", "bob"),
        ("resume", "cy"),
        ("stop", "ada"),
        ("replay", "eve"),
    ]


async def test_a_refused_action_gets_no_entry(world: World):
    await world.commands.stop("unknown", by="ada")
    await world.commands.replay("unknown", by="ada")
    assert await world.gateways.audit.history(key_of("unknown")) == ()


@pytest.mark.storage("memory", "azurite")
async def test_entries_of_one_moment_are_all_kept_and_hide_no_chunk(world: World):
    made, job = await world.announced(size=2000, format="wav")
    now = SystemClock().now()
    entries = [AuditEntry(at=now, action="look", by=str(number), details={"number": "one"}) for number in range(20)]
    await asyncio.gather(*(world.gateways.audit.add(job.recordingKey, entry) for entry in entries))
    later = AuditEntry(at=now + timedelta(microseconds=1), action="later", by="ada")
    await world.writers.recordings.merge(Recording(recording_key=job.recordingKey), later)
    shown = await world.gateways.audit.history(job.recordingKey)
    assert shown[-1] == later
    assert {one.by for one in shown[:-1]} == {one.by for one in entries}
    recording, (chunk,) = await world.gateways.catalogue.recording(job.recordingKey)
    assert recording is not None
    assert recording.recording_id == made["recordingId"]
    assert chunk.chunk_key == job.chunkKey
