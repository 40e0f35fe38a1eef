"""One invalid field, or one chunk that can't be parsed, must not stop the archiving of the event's other chunks."""

import copy
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.events.call_started import CALL_STARTED
from shared.contracts.events.outcome import Outcome
from shared.domain.keys import key_of, unlinked_key
from shared.domain.states import ChunkState
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = Path(__file__).parents[2] / "events"
ODD = sorted(path.stem for path in EVENTS.glob("odd-*.json"))
KIB = 1024


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def chunks_of(event: dict[str, Any]) -> list[Any]:
    listed: list[Any] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return listed


@pytest.mark.parametrize("name", ODD)
async def test_an_invalid_optional_field_is_unknown_and_logged_and_the_chunk_is_queued(
    world: World, caplog: pytest.LogCaptureFixture, name: str
):
    event = load(name)
    assert await world.app.intake.receive(event) is Outcome.QUEUED
    assert (await world.queued(), await world.quarantined()) == (1, [])
    found = [record for record in caplog.records if "event fields ignored" in record.getMessage()]
    understood = name in {"odd-start-time-without-zone", "odd-duration-text", "odd-end-reason-not-ascii", "odd-index"}
    assert [record.levelno for record in found] == ([] if understood else [logging.WARNING])


@pytest.mark.storage("memory", "azurite")
async def test_a_chunk_that_can_t_be_parsed_is_quarantined_and_the_others_are_archived(world: World):
    made = await world.document(size=2 * KIB, count=3)
    event = made["event"]
    chunks_of(event)[1] = {"documentId": chunks_of(event)[1]["documentId"]}
    assert await world.app.intake.receive(event) is Outcome.QUEUED
    await world.drained()
    for number in (0, 2):
        assert (await world.chunk(world.job(made, number))).state is ChunkState.RELEASED
    (kept,) = await world.quarantined()
    assert json.loads(kept)["event"] == event
    assert "recordingChunks.1.contentLocation" in json.loads(kept)["reason"]
    assert await world.app.intake.receive(event) is Outcome.UNCHANGED
    assert len(await world.quarantined()) == 1


async def test_an_event_without_delete_locations_is_queued_and_deletes_no_source(world: World):
    event = load("vintage-2021")
    assert await world.app.intake.receive(event) is Outcome.QUEUED
    _, (chunk,) = await world.gateways.catalogue.recording(key_of(event["subject"].rpartition("/recordingId/")[2]))
    assert chunk.delete_location is None


@pytest.mark.parametrize("time", [None, "", "soon", "0001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
@pytest.mark.parametrize("start", [timedelta(hours=2), timedelta(hours=30), timedelta(days=400), None])
async def test_an_event_without_a_usable_time_never_puts_a_chunk_past_its_deadline(
    world: World, time: str | None, start: timedelta | None
):
    now = datetime.now(UTC)
    event = load("current") | {"eventTime": time}
    event["data"] |= {"recordingStartTime": (now - start).isoformat() if start else "", "recordingDurationMs": 60_000}
    await world.app.intake.receive(event)
    _, (chunk,) = await world.gateways.catalogue.recording(key_of(event["subject"].rpartition("/recordingId/")[2]))
    assert chunk.deadline > now
    assert chunk.event_time <= datetime.now(UTC)
    if start == timedelta(hours=2):
        assert chunk.event_time == now - start + timedelta(minutes=1)


async def test_a_start_time_in_the_future_is_unknown(world: World):
    event = load("current")
    event["data"]["recordingStartTime"] = "2999-01-01T00:00:00Z"
    await world.app.intake.receive(event)
    recording, (chunk,) = await world.gateways.catalogue.recording(
        key_of(event["subject"].rpartition("/recordingId/")[2])
    )
    assert recording is not None
    assert (recording.started_at, chunk.started_at) == (None, chunk.event_time)


@pytest.mark.parametrize(
    "event",
    [
        {"\ud800": "\ud800", "id": "\udfff", "data": {"\ud800": []}},
        {"eventType": "\ud800" * 200, "subject": "\ud800"},
        {"id": 10**400, "data": {"recordingStorageInfo": {"recordingChunks": [float("inf"), float("nan")]}}},
    ],
)
async def test_an_event_with_text_that_utf_8_can_t_encode_is_quarantined(world: World, event: dict[str, Any]):
    assert await world.app.intake.receive(event) is Outcome.QUARANTINED
    (kept,) = await world.quarantined()
    assert json.loads(kept)["event"].keys() == event.keys()


@pytest.mark.parametrize("text", ["", "<html>", "[1]", "null", '"text"', "[" * 100_000])
async def test_a_delivery_that_is_not_an_event_is_quarantined(world: World, text: str):
    assert await world.app.intake.deliver(text) is Outcome.QUARANTINED
    assert len(await world.quarantined()) == 1


@pytest.mark.parametrize("kept", ["<html>", None, 7, ["\ud800"], {"\ud800": 10**400}])
async def test_a_quarantined_body_that_is_not_an_event_can_t_be_replayed_and_stays(world: World, kept: Any):
    await world.quarantine("abc123.json", json.dumps({"reason": "odd", "event": kept}).encode())
    assert (await world.commands.replay_quarantined("abc123", by="ada")).status == 400
    assert len(await world.quarantined()) == 1


async def test_text_that_a_log_line_can_t_contain_doesn_t_stop_the_archiving(world: World):
    event = load("current")
    event["data"]["sessionEndReason"] = chunks_of(event)[0]["endReason"] = "\ud800\u0000"
    event["data"]["recordingFormatType"] = "x" * 300
    assert await world.app.intake.receive(event) is Outcome.QUEUED


@pytest.mark.parametrize("name", ["own-storage", "own-storage-by-location"])
async def test_files_in_the_customer_s_own_storage_are_ignored(
    world: World, caplog: pytest.LogCaptureFixture, name: str
):
    caplog.set_level(logging.INFO)
    assert await world.app.intake.receive(load(name)) is Outcome.IGNORED
    assert (await world.queued(), await world.quarantined()) == (0, [])
    assert {record.levelname for record in caplog.records if record.name.startswith("callvault")} == {"INFO"}


@pytest.mark.parametrize("odd", [None, "", 7, "soon", [], {"id": 7}, {"id": "\ud800"}])
async def test_a_call_started_event_needs_only_its_server_call_id(world: World, odd: Any):
    data = {"ServerCallId": "Y2FsbA==", "isTwoParty": odd, "isRoomsCall": odd, "group": odd, "room": odd}
    assert await world.app.intake.receive({"EventType": CALL_STARTED, "Data": data, "id": odd}) is Outcome.IGNORED
    assert await world.quarantined() == []


# A document belongs to one recording.


async def test_a_document_that_two_events_assign_to_two_recordings_is_archived_once(
    world: World, caplog: pytest.LogCaptureFixture
):
    made = await world.document(size=20 * KIB)
    older = copy.deepcopy(made["event"]) | {"id": "older"}
    older["subject"] = older["subject"].partition("/serverCallId/")[0]
    assert await world.app.intake.receive(older) is Outcome.QUEUED
    assert await world.app.intake.receive(made["event"]) is Outcome.QUEUED, (
        "no attempt was made yet, so it is queued again"
    )
    await world.drained()
    assert await world.app.intake.receive(made["event"]) is Outcome.UNCHANGED
    document_id = made["chunks"][0]["documentId"]
    _, (chunk,) = await world.gateways.catalogue.recording(unlinked_key(document_id))
    assert chunk.state is ChunkState.RELEASED
    assert await world.gateways.catalogue.recording(key_of(made["recordingId"])) == (None, ())
    assert len(await world.blobs()) == 2
    assert any('"fields": ["recording"' in record.getMessage() for record in caplog.records)


async def test_documents_keep_their_recording_when_an_event_names_another_one_for_them(world: World):
    first, second = load("several-chunks"), load("several-chunks")
    chunks_of(first).pop()
    second["subject"] = second["subject"].replace("/recordingId/", "/recordingId/other")
    await world.app.intake.receive(first)
    await world.app.intake.receive(second)
    named = [key_of(event["subject"].rpartition("/recordingId/")[2]) for event in (first, second)]
    found = [[chunk.index for chunk in (await world.gateways.catalogue.recording(key))[1]] for key in named]
    assert found == [[0, 1], [2]]


async def test_a_document_that_only_has_a_link_stays_with_the_linked_recording(
    world: World,
):
    event = load("current")
    document_id, first = chunks_of(event)[0]["documentId"], key_of("rec-1")
    await world.gateways.links.link_document(document_id, first)
    assert await world.app.intake.receive(event) is Outcome.QUEUED
    recording, (chunk,) = await world.gateways.catalogue.recording(first)
    assert recording is not None
    assert (recording.recording_id, chunk.document_id) == (None, document_id)
    _, chunks = await world.gateways.catalogue.recording(key_of(event["subject"].rpartition("/recordingId/")[2]))
    assert chunks == ()
