"""A chunk that only a person can help is announced once and retried rarely, and heals once the cause is gone."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from local.memory.storage.account import Operation, apply_at_once
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from tests.unit.world import ANNOUNCING, World, document, event_of

_ACS, _FOREIGN = "https://storage.asm.skype.com", "https://media.example.net"


@dataclass
class Counted:
    """A turn that counts the operations that a chunk needs, without those of an idle sweep."""

    by_method: Counter[str] = field(default_factory=Counter)

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.method not in ("query_entities", "get_queue_properties", "receive_message"):
            self.by_method[operation.method] += 1
        return await apply_at_once(operation, apply)


@pytest.fixture
async def world() -> World:
    """Its event was delivered, and names the content on a host that isn't ACS's."""
    made = await World.made(document("document-1"), max_attempts=1, **ANNOUNCING)
    event = event_of("recording-1", "document-1")
    chunk = event["data"]["recordingStorageInfo"]["recordingChunks"][0]
    chunk["contentLocation"] = chunk["contentLocation"].replace(_ACS, _FOREIGN)
    made.host.publish(event)
    return made


async def test_it_is_announced_once_with_few_calls(world: World, caplog: pytest.LogCaptureFixture):
    counted = Counted()
    world.host.restart(counted)
    await _pass(world, hours=49)
    assert Counter(event["type"] for event in world.topic.taken) == {
        "Callvault.ChunkFailed": 1,
        "Callvault.ChunkLost": 1,
    }
    assert _lines(caplog, "chunk given up") == ["failed", "lost"]
    assert counted.by_method.total() < 500, counted.by_method


async def test_it_stays_visible_and_is_archived_once_a_corrected_event_arrives(world: World):
    await _pass(world, hours=24)
    waiting = await _chunk(world)
    assert (waiting.state, waiting.reason) == (ChunkState.FAILED, "source-not-allowed")
    assert len(world.rows(world.settings.worklist_table)) == 1
    corrected = event_of("recording-1", "document-1")
    world.host.publish(corrected | {"id": "corrected", "eventTime": "2026-11-21T09:59:12Z"})
    await world.run(rounds=5)
    assert (await _chunk(world)).state is ChunkState.RELEASED


async def test_a_failure_after_a_replay_or_for_another_reason_is_announced(world: World):
    await _pass(world, hours=1)
    await world.host.app.commands.replay("recording-1", by="ada")
    await _pass(world, hours=1)
    assert _reasons(world) == ["source-not-allowed"] * 2
    chunk = await _chunk(world)
    assert chunk.rescues == 2, "a failure of the sweep's own retries wasn't announced"
    location = chunk.content_location.replace(_FOREIGN, _ACS)
    await world.writers.chunks.replace(chunk.evolve(content_location=location))
    world.acs.refuse(location, 400)
    await _pass(world, hours=2)
    assert _reasons(world) == ["source-not-allowed", "source-not-allowed", "acs-garbled"]


async def _pass(world: World, *, hours: int) -> None:
    """Rounds of five minutes."""
    for _ in range(hours * 12):
        await world.host.round()
        world.clock.forward(minutes=4)


async def _chunk(world: World) -> Chunk:
    return await world.chunk("recording-1", "document-1")


def _reasons(world: World) -> list[str]:
    return [event["data"]["reason"] for event in world.topic.taken if event["type"] == "Callvault.ChunkFailed"]


def _lines(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    """The ends that lines of this text name."""
    lines = [one.getMessage() for one in caplog.records]
    return [json.loads(line.removeprefix(text))["end"] for line in lines if line.startswith(text)]
