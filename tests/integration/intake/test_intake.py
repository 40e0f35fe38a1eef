"""What Event Grid hands us is ours to lose: every event ends as chunks with jobs, ignored with a reason, or kept."""

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables.aio import TableClient

from shared.contracts.events.outcome import Outcome
from shared.domain.keys import key_of, unlinked_key
from shared.domain.records import Recording
from shared.domain.states import ChunkState
from shared.errors import DestinationUnavailable
from tests.integration.conftest import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = Path(__file__).parents[2] / "events"
VINTAGES = ["current", "several-chunks", "without-server-call", "without-types", "other-casing", "cloud-event"]


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def recording_id(event: dict[str, Any]) -> str:
    return str(event["subject"]).rpartition("/recordingId/")[2]


async def worklist(world: World) -> list[dict[str, Any]]:
    async with TableClient.from_connection_string(world.storage, world.settings.worklist_table) as table:
        return [dict(row) async for row in table.list_entities()]


@pytest.mark.parametrize("name", VINTAGES)
async def test_every_vintage_becomes_chunks_with_a_place_on_the_worklist_and_a_job_each(world: World, name: str):
    event = load(name)
    announced = (event["data"].get("recordingStorageInfo") or event["data"]["RecordingStorageInfo"]).popitem()[1]
    event = load(name)
    assert await world.app.intake.receive(event) is Outcome.QUEUED
    recording, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert recording is not None
    assert recording.announced_at is not None
    assert [chunk.state for chunk in chunks] == [ChunkState.PENDING] * len(announced)
    jobs = {(await world.take_job()).chunkKey for _ in chunks}
    assert jobs == {chunk.chunk_key for chunk in chunks} == {row["chunkKey"] for row in await worklist(world)}
    assert await world.queued() == 0
    assert all(chunk.deadline - chunk.event_time == world.settings.retention for chunk in chunks)


async def test_a_repeated_event_changes_nothing(world: World):
    event = load("several-chunks")
    await world.app.intake.receive(event)
    before = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    for _ in range(3):
        await world.app.intake.receive(copy.deepcopy(event))
    assert await world.gateways.catalogue.recording(key_of(recording_id(event))) == before
    assert len(await worklist(world)) == 3


async def test_deliveries_at_the_same_moment_make_each_chunk_once(world: World):
    event = load("several-chunks")
    await asyncio.gather(*(world.app.intake.receive(copy.deepcopy(event)) for _ in range(6)))
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert [chunk.index for chunk in chunks] == [0, 1, 2]
    assert len(await worklist(world)) == 3


async def test_a_repeat_after_the_chunk_was_archived_queues_no_job(world: World):
    made, _ = await world.announced(size=20_000, format="wav")
    await world.drained()
    await world.app.intake.receive(made["event"])
    assert await world.queued() == 0
    assert await worklist(world) == []
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED


async def test_a_repeat_that_brings_another_chunk_adds_just_that_one(world: World):
    event = load("several-chunks")
    all_chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
    first = copy.deepcopy(event)
    first["data"]["recordingStorageInfo"]["recordingChunks"] = all_chunks[:2]
    await world.app.intake.receive(first)
    await world.app.intake.receive(event)
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert len(chunks) == 3


async def test_a_recording_of_more_chunks_than_a_transaction_holds(world: World):
    event = load("current")
    info = event["data"]["recordingStorageInfo"]
    model = json.dumps(info["recordingChunks"][0])
    document_id = info["recordingChunks"][0]["documentId"]
    info["recordingChunks"] = [
        json.loads(model.replace(document_id, f"{document_id}-{number}")) | {"index": number} for number in range(230)
    ]
    await world.app.intake.receive(event)
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert [chunk.index for chunk in chunks] == list(range(230))
    assert await world.queued() == 230


async def test_siblings_of_one_index_are_two_chunks(world: World):
    event = load("siblings")
    await world.app.intake.receive(event)
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert [chunk.index for chunk in chunks] == [0, 0]


async def test_an_event_without_a_recording_id_finds_the_one_recording_of_its_call(world: World):
    event = load("without-recording")
    server_call_id = event["subject"].partition("/serverCallId/")[2]
    started = Recording(recording_key=key_of("rec-1"), recording_id="rec-1", correlation="case 7")
    await world.books.recordings.merge(started)
    await world.gateways.links.link_call(server_call_id, started.recording_key)
    await world.app.intake.receive(event)
    recording, chunks = await world.gateways.catalogue.recording(started.recording_key)
    assert recording is not None
    assert (recording.recording_id, recording.correlation, recording.unlinked) == ("rec-1", "case 7", None)
    assert len(chunks) == 1


async def test_two_recordings_of_one_call_are_not_confused_the_event_stays_on_its_own(world: World):
    event = load("without-recording")
    server_call_id = event["subject"].partition("/serverCallId/")[2]
    for name in ("rec-1", "rec-2"):
        await world.gateways.links.link_call(server_call_id, key_of(name))
    await world.app.intake.receive(event)
    document_id = event["data"]["recordingStorageInfo"]["recordingChunks"][0]["documentId"]
    recording, chunks = await world.gateways.catalogue.recording(unlinked_key(document_id))
    assert recording is not None
    assert recording.unlinked is True
    assert len(chunks) == 1


async def test_what_an_event_was_linked_to_first_stays_when_the_ledger_learns_more(world: World):
    event = load("without-recording")
    server_call_id = event["subject"].partition("/serverCallId/")[2]
    document_id = event["data"]["recordingStorageInfo"]["recordingChunks"][0]["documentId"]
    await world.app.intake.receive(event)
    await world.gateways.links.link_call(server_call_id, key_of("rec-1"))
    await world.app.intake.receive(event)
    assert (await world.gateways.catalogue.recording(key_of("rec-1"))) == (None, ())
    assert len((await world.gateways.catalogue.recording(unlinked_key(document_id)))[1]) == 1


async def test_an_event_before_the_start_call_returns_leaves_what_both_said(world: World):
    event = load("current")
    await world.app.intake.receive(event)
    key = key_of(recording_id(event))
    await world.books.recordings.merge(
        Recording(recording_key=key, recording_id=recording_id(event), correlation="late start")
    )
    recording, chunks = await world.gateways.catalogue.recording(key)
    assert recording is not None
    assert recording.correlation == "late start"
    assert recording.duration_ms == 62314
    assert len(chunks) == 1


async def test_an_event_of_another_type_is_ignored(world: World):
    assert await world.app.intake.receive(load("other-type")) is Outcome.IGNORED
    assert await world.queued() == 0
    assert await world.quarantined() == []


@pytest.mark.parametrize("name", ["broken-no-chunks", "broken-no-document"])
async def test_what_can_t_be_read_is_kept_once_with_the_reason_however_often_it_comes(world: World, name: str):
    event = load(name)
    for _ in range(3):
        assert await world.app.intake.receive(copy.deepcopy(event)) is Outcome.QUARANTINED
    (kept,) = await world.quarantined()
    told = json.loads(kept)
    assert told["event"] == event
    assert told["reason"]
    assert told["receivedAt"]


@pytest.mark.parametrize("envelope", [{}, {"eventType": None}, {"id": "1", "data": {"recordingStorageInfo": []}}])
async def test_an_event_that_is_hardly_one_is_kept_too(world: World, envelope: dict[str, Any]):
    assert await world.app.intake.receive(envelope) is Outcome.QUARANTINED
    assert len(await world.quarantined()) == 1


@pytest.mark.parametrize("missing", ["recordings_table", "worklist_table", "chunks_queue"])
async def test_a_storage_fault_is_raised_so_that_event_grid_delivers_again(
    make_world: MakeWorld, world: World, missing: str
):
    broken = await make_world(like=world, **{missing.upper(): f"{getattr(world.settings, missing)}gone"})
    clients = broken.app.clients
    if missing == "chunks_queue":
        await clients.queue.delete_queue()
    else:
        await clients.tables.delete_table(getattr(broken.settings, missing))
    event = load("current")
    with pytest.raises(DestinationUnavailable, match="NotFound"):
        await broken.app.intake.receive(event)
    assert await world.app.intake.receive(event) is Outcome.QUEUED, "the next delivery mends it"
    _, chunks = await world.gateways.catalogue.recording(key_of(recording_id(event)))
    assert len(chunks) == 1
    assert await world.queued() == 1


async def test_documents_of_events_that_name_no_recording_stay_together_whatever_order_they_come_in(world: World):
    event = load("call-only")
    chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
    later = copy.deepcopy(event)
    later["data"]["recordingStorageInfo"]["recordingChunks"] = [chunks[0] | {"documentId": "0-a", "index": 1}, *chunks]
    await world.app.intake.receive(event)
    await world.app.intake.receive(later)
    _, together = await world.gateways.catalogue.recording(unlinked_key(chunks[0]["documentId"]))
    assert [chunk.index for chunk in together] == [0, 1]
    assert await world.queued() == 3, "the repeated chunk was pending still, and a job too many harms nothing"
