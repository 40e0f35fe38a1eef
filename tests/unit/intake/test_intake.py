"""Every event that Event Grid delivers ends as chunks with jobs, ignored with a reason, or in quarantine."""

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.memory.storage.account import Operation
from shared.app import App
from shared.contracts.events.outcome import Outcome
from shared.domain.keys import key_of, unlinked_key
from shared.domain.records import Recording
from shared.domain.states import ChunkState
from shared.errors import DestinationUnavailable
from tests.unit.world import World, document, event_of

EVENTS = Path(__file__).parents[2] / "events"
VINTAGES = ["current", "several-chunks", "without-server-call", "without-types", "other-casing", "cloud-event"]


@pytest.fixture
async def world() -> World:
    return await World.made()


@pytest.fixture
def app(world: World) -> App:
    return world.host.app


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def recording_id(event: dict[str, Any]) -> str:
    return str(event["subject"]).rpartition("/recordingId/")[2]


def chunks_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return chunks


def worklist(world: World) -> list[dict[str, Any]]:
    return [row.entity for row in world.rows(world.settings.worklist_table).values()]


@pytest.mark.parametrize("name", VINTAGES)
async def test_every_vintage_becomes_chunks_with_a_worklist_row_and_a_job_each(world: World, app: App, name: str):
    event = load(name)
    announced = (event["data"].get("recordingStorageInfo") or event["data"]["RecordingStorageInfo"]).popitem()[1]
    event = load(name)
    assert await app.intake.receive(event) is Outcome.QUEUED
    recording, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert recording is not None
    assert recording.announced_at is not None
    assert [chunk.state for chunk in chunks] == [ChunkState.PENDING] * len(announced)
    jobs = {job.chunkKey for job in world.jobs()}
    assert jobs == {chunk.chunk_key for chunk in chunks} == {row["chunkKey"] for row in worklist(world)}
    assert len(world.jobs()) == len(chunks)
    assert all(chunk.deadline - chunk.event_time == world.settings.retention for chunk in chunks)


async def test_a_repeated_event_changes_nothing(world: World, app: App):
    event = load("several-chunks")
    await app.intake.receive(event)
    before = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    for _ in range(3):
        await app.intake.receive(copy.deepcopy(event))
    assert await world.gateways.catalogue.recording(key_of(recording_id(event))) == before
    assert len(worklist(world)) == 3


async def test_deliveries_at_the_same_moment_make_each_chunk_once(world: World):
    async def give_way[T](_: Operation, apply: Callable[[], T], /) -> T:
        await asyncio.sleep(0)
        return apply()

    world.host.restart(give_way)
    app, event = world.host.app, load("several-chunks")
    await asyncio.gather(*(app.intake.receive(copy.deepcopy(event)) for _ in range(6)))
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert [chunk.index for chunk in chunks] == [0, 1, 2]
    assert len(worklist(world)) == 3


async def test_a_repeat_after_the_chunk_was_archived_queues_no_job():
    world, event = await World.made(document("0-wus-d4-a")), event_of("recording-1", "0-wus-d4-a")
    world.host.publish(event)
    await world.run(rounds=1)
    await world.host.app.intake.receive(event)
    assert world.left() == []
    assert (await world.chunk("recording-1", "0-wus-d4-a")).state is ChunkState.RELEASED


async def test_a_repeat_that_brings_another_chunk_adds_just_that_one(world: World, app: App):
    event, first = load("several-chunks"), load("several-chunks")
    first["data"]["recordingStorageInfo"]["recordingChunks"] = chunks_of(event)[:2]
    await app.intake.receive(first)
    await app.intake.receive(event)
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert len(chunks) == 3


async def test_a_recording_of_more_chunks_than_a_transaction_holds(world: World, app: App):
    event = load("current")
    (model,) = chunks_of(event)
    text, document_id = json.dumps(model), model["documentId"]
    event["data"]["recordingStorageInfo"]["recordingChunks"] = [
        json.loads(text.replace(document_id, f"{document_id}-{number}")) | {"index": number} for number in range(230)
    ]
    await app.intake.receive(event)
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert [chunk.index for chunk in chunks] == list(range(230))
    assert len(world.jobs()) == 230


async def test_siblings_of_one_index_are_two_chunks(world: World, app: App):
    event = load("siblings")
    await app.intake.receive(event)
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert [chunk.index for chunk in chunks] == [0, 0]


async def test_an_event_without_a_recording_id_finds_the_one_recording_of_its_call(world: World, app: App):
    event = load("without-recording")
    server_call_id = event["subject"].partition("/serverCallId/")[2]
    started = Recording(recording_key=key_of("rec-1"), recording_id="rec-1", correlation="case 7")
    await world.writers.recordings.merge(started)
    await world.gateways.links.link_call(server_call_id, started.recording_key)
    await app.intake.receive(event)
    recording, chunks = await world.gateways.catalogue.recording(started.recording_key)
    assert recording is not None
    assert (recording.recording_id, recording.correlation, recording.unlinked) == ("rec-1", "case 7", None)
    assert len(chunks) == 1


async def test_two_recordings_of_one_call_are_not_confused_the_event_stays_on_its_own(world: World, app: App):
    event = load("without-recording")
    server_call_id = event["subject"].partition("/serverCallId/")[2]
    for name in ("rec-1", "rec-2"):
        await world.gateways.links.link_call(server_call_id, key_of(name))
    await app.intake.receive(event)
    recording, chunks = await world.gateways.catalogue.recording(unlinked_key(chunks_of(event)[0]["documentId"]))
    assert recording is not None
    assert recording.unlinked is True
    assert len(chunks) == 1


async def test_the_recording_that_an_event_was_linked_to_first_stays_when_the_ledger_learns_more(
    world: World, app: App
):
    event = load("without-recording")
    server_call_id = event["subject"].partition("/serverCallId/")[2]
    await app.intake.receive(event)
    await world.gateways.links.link_call(server_call_id, key_of("rec-1"))
    await app.intake.receive(event)
    assert (await world.gateways.catalogue.recording(key_of("rec-1"))) == (None, ())
    _, chunks = await world.gateways.catalogue.recording(unlinked_key(chunks_of(event)[0]["documentId"]))
    assert len(chunks) == 1


async def test_an_event_before_the_start_call_returns_keeps_the_fields_of_both(world: World, app: App):
    event = load("current")
    await app.intake.receive(event)
    key = key_of(recording_id(event))
    late = Recording(recording_key=key, recording_id=recording_id(event), correlation="late start")
    await world.writers.recordings.merge(late)
    recording, chunks = await world.gateways.catalogue.recording(key)
    assert recording is not None
    assert (recording.correlation, recording.duration_ms, len(chunks)) == ("late start", 62314, 1)


async def test_an_event_of_another_type_is_ignored(world: World, app: App):
    assert await app.intake.receive(load("other-type")) is Outcome.IGNORED
    assert world.left() == []
    assert world.quarantined() == []


@pytest.mark.parametrize("name", ["broken-no-chunks", "broken-no-document"])
async def test_an_event_that_can_t_be_read_is_kept_once_with_the_reason_however_often_it_comes(
    world: World, app: App, name: str
):
    event = load(name)
    for _ in range(3):
        assert await app.intake.receive(copy.deepcopy(event)) is Outcome.QUARANTINED
    (kept,) = world.quarantined()
    found = json.loads(kept)
    assert found["event"] == event
    assert found["reason"]
    assert found["receivedAt"]


@pytest.mark.parametrize("envelope", [{}, {"eventType": None}, {"id": "1", "data": {"recordingStorageInfo": []}}])
async def test_an_event_that_is_hardly_one_is_kept_too(world: World, app: App, envelope: dict[str, Any]):
    assert await app.intake.receive(envelope) is Outcome.QUARANTINED
    assert len(world.quarantined()) == 1


@pytest.mark.parametrize("missing", ["recordings_table", "worklist_table", "chunks_queue"])
async def test_a_storage_fault_is_raised_so_that_event_grid_delivers_again(world: World, app: App, missing: str):
    name = getattr(world.settings, missing)
    holder = world.account.queues if missing == "chunks_queue" else world.account.tables
    gone, event = holder.pop(name), load("current")
    with pytest.raises(DestinationUnavailable, match="NotFound"):
        await app.intake.receive(event)
    holder[name] = gone
    assert await app.intake.receive(event) is Outcome.QUEUED
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert (len(chunks), len(world.jobs())) == (1, 1)


async def test_documents_of_events_that_name_no_recording_stay_together_whatever_order_they_come_in(
    world: World, app: App
):
    event, later = load("call-only"), load("call-only")
    (chunk,) = chunks_of(event)
    later["data"]["recordingStorageInfo"]["recordingChunks"] = [chunk | {"documentId": "0-a", "index": 1}, chunk]
    await app.intake.receive(event)
    await app.intake.receive(later)
    _, together = await world.gateways.catalogue.recording(unlinked_key(chunk["documentId"]))
    assert [one.index for one in together] == [0, 1]
