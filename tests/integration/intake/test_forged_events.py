"""Callers who may send events can't change recorded values or act for another resource, and are always audited."""

import copy
import json
import logging
import uuid
from datetime import timedelta
from typing import Any

import pytest

from local.acs.identifiers import TOPIC
from shared.contracts.events.outcome import Outcome
from shared.domain.keys import key_of
from shared.domain.records import Recording
from shared.gateways.blobs.dead_letters import DeadLetters
from shared.http.answers import Answer
from shared.intake.dead_letters import DeadLetterReplay
from tests.integration.recording.automatic import begun, recording, recordings_of, view
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ELSEWHERE = TOPIC.replace("callvault-local", "somebody-else")


def forged(event: dict[str, Any], **data: Any) -> dict[str, Any]:
    """Another event with the same files."""
    other = copy.deepcopy(event) | {"id": str(uuid.uuid4())}
    other["data"] |= data
    return other


def json_of(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body


async def by_hand(world: World, *events: dict[str, Any], by: str = "eve") -> dict[str, Any]:
    answer = await world.commands.submit_events(json.dumps(events).encode(), by=by)
    assert answer.status == 202, answer.body
    return json_of(answer)


async def entries(world: World, recording_key: str, action: str) -> list[tuple[str, dict[str, str]]]:
    history = await world.gateways.audit.history(recording_key)
    return [(entry.by, dict(entry.details)) for entry in history if entry.action == action]


async def test_an_event_doesn_t_change_recorded_values_and_the_answer_names_the_differences(world: World):
    made, job = await world.announced(size=20_000, format="wav")
    before = await world.gateways.catalogue.ledger(job.recordingKey)
    assert before is not None
    other = forged(made["event"], recordingDurationMs=1, sessionEndReason="Other", recordingFormatType="Mp4")
    assert before.announced_at is not None
    other["eventTime"] = (before.announced_at + timedelta(minutes=10)).isoformat()
    other["data"]["recordingStorageInfo"]["recordingChunks"][0] |= {"index": 7, "endReason": "Other"}
    other["subject"] = other["subject"].replace("/serverCallId/", "/serverCallId/forged")
    answer = await by_hand(world, other, made["event"])
    assert answer["differing"] == [
        ["serverCallId", "format", "durationMs", "sessionEndReason", "index", "endReason"],
        [],
    ]
    assert await world.gateways.catalogue.ledger(job.recordingKey) == before
    chunk = await world.chunk(job)
    assert (chunk.index, chunk.end_reason) == (
        0,
        made["event"]["data"]["recordingStorageInfo"]["recordingChunks"][0]["endReason"],
    )


@pytest.mark.storage("memory", "azurite")
async def test_of_two_concurrent_events_the_values_of_the_first_one_stay(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    made = await world.document(size=20_000, format="wav")
    second = forged(made["event"], recordingDurationMs=1, recordingStartTime="2026-01-01T00:00:00Z")
    second["data"]["recordingStorageInfo"]["recordingChunks"][0]["documentId"] = "another-document"
    catalogue = world.app.intake._catalogue  # noqa: SLF001 - the moment between reading and writing
    read = catalogue.ledger
    written: list[Recording | None] = []

    async def overtaken(recording_key: str) -> Recording | None:
        found = await read(recording_key)
        if not written:
            written.append(None)
            await world.app.intake.receive(made["event"])
            written.append(await read(recording_key))
        return found

    monkeypatch.setattr(catalogue, "ledger", overtaken)
    assert await world.app.intake.receive(second) is Outcome.QUEUED
    after, chunks = await world.gateways.catalogue.recording(world.job(made).recordingKey)
    assert after == written[-1]
    assert after is not None
    assert after.duration_ms == made["event"]["data"]["recordingDurationMs"]
    assert len(chunks) == 2
    (line,) = [one.getMessage() for one in caplog.records if "event contradicts the catalogue" in one.getMessage()]
    assert "duration_ms" in line
    assert "started_at" in line


async def test_an_event_doesn_t_overwrite_what_a_concurrent_start_writes(world: World, monkeypatch: pytest.MonkeyPatch):
    made, job = await world.announced(size=20_000, format="wav")
    first = await world.gateways.catalogue.ledger(job.recordingKey)
    assert first is not None
    event = forged(made["event"])
    event["subject"] = event["subject"].replace("/recording/call/", "/recording/call/of-another-")
    catalogue = world.app.intake._catalogue  # noqa: SLF001 - the moment between reading and writing
    read, calls = catalogue.ledger, 0

    async def overtaken(recording_key: str) -> Recording | None:
        nonlocal calls
        calls += 1
        found = await read(recording_key)
        assert found is not None
        # As if the row had no call yet when it was read.
        return found.evolve(call_id=None, etag='W/"older"') if calls == 1 else found

    monkeypatch.setattr(catalogue, "ledger", overtaken)
    await world.app.intake.receive(event)
    assert calls == 2
    assert await world.gateways.catalogue.ledger(job.recordingKey) == first


async def test_the_person_who_sends_events_is_in_the_audit_of_each_recording(world: World):
    first, second = [await world.document(size=20_000, format="wav") for _ in range(2)]
    joined = forged(first["event"])
    joined["data"]["recordingStorageInfo"]["recordingChunks"] += second["event"]["data"]["recordingStorageInfo"][
        "recordingChunks"
    ]
    await world.app.intake.receive(second["event"])
    keys = [world.job(one).recordingKey for one in (first, second)]
    assert await entries(world, keys[1], "event submitted") == [], "Event Grid's own deliveries leave no entry"
    await by_hand(world, joined)
    for key in keys:
        ((by, details),) = await entries(world, key, "event submitted")
        assert (by, details) == ("eve", {"eventId": joined["id"], "documents": "1"})


async def test_locations_that_a_person_changes_are_in_the_audit_with_the_person_s_name(world: World):
    made, job = await world.announced(size=20_000, format="wav")
    other = forged(made["event"])
    (chunk,) = other["data"]["recordingStorageInfo"]["recordingChunks"]
    chunk["contentLocation"] += "/other"
    await by_hand(world, other)
    ((by, _),) = await entries(world, job.recordingKey, "relocated")
    assert by == "eve"


async def test_the_person_who_replays_a_quarantined_event_is_in_the_audit(world: World):
    made = await world.document(size=20_000, format="wav")
    kept = json.dumps({"reason": "an older version could not read it", "event": made["event"]}).encode()
    await world.quarantine("abc123.json", kept)
    answer = await world.commands.replay_quarantined("abc123", by="eve")
    assert json_of(answer)["outcomes"] == ["queued"]
    ((by, _),) = await entries(world, world.job(made).recordingKey, "event submitted")
    assert by == "eve"


async def test_a_call_event_that_a_person_sends_is_recorded_with_the_person_s_name(make_world: MakeWorld):
    world, _ = await recording(make_world)
    call, event = await begun(world)
    await by_hand(world, event)
    (made,) = await recordings_of(world, call)
    (entry,) = (await view(world, made["recordingId"]))["history"]
    assert (entry["action"], entry["by"], entry["details"]["trigger"]) == ("start", "eve", "CallStarted")


def cloud(event: dict[str, Any], source: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": source,
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "data": event["data"],
    }


FOREIGN = {
    "topic": lambda event: event | {"topic": ELSEWHERE},
    "no topic": lambda event: {key: value for key, value in event.items() if key != "topic"},
    "topic is null": lambda event: event | {"topic": None},
    "topic is a list": lambda event: event | {"topic": [TOPIC]},
    "topic in other casing": lambda event: (
        {key: value for key, value in event.items() if key != "topic"} | {"Topic": ELSEWHERE}
    ),
    "topic and source": lambda event: event | {"source": ELSEWHERE},
    "source": lambda event: cloud(event, ELSEWHERE),
    "source within": lambda event: cloud(event, f"{TOPIC}/other"),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
async def test_an_event_from_another_resource_is_only_quarantined(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture, make: Any
):
    world: World = await make_world(EVENT_SOURCE=TOPIC)
    made = await world.document(size=20_000, format="wav")
    event = make(made["event"])
    assert await world.app.intake.deliver(json.dumps(event)) is Outcome.QUARANTINED
    assert (await by_hand(world, event))["outcomes"] == ["quarantined"]
    (kept,) = [json.loads(body) for body in await world.quarantined()]
    assert kept["event"] == event
    assert kept["reason"].startswith("foreign-source:")
    assert "somebody-else" not in caplog.text
    assert await world.queued() == 0
    assert await world.gateways.catalogue.recording(key_of(made["recordingId"])) == (None, ())
    assert await world.gateways.audit.history(key_of(made["recordingId"])) == ()
    assert await world.gateways.links.recording_of_document(made["chunks"][0]["documentId"]) is None


@pytest.mark.parametrize("make", [lambda event: event, lambda event: cloud(event, event["topic"])])
async def test_an_event_of_the_configured_resource_is_taken_in_in_every_spelling_of_its_id(
    make_world: MakeWorld, make: Any
):
    world: World = await make_world(EVENT_SOURCE=TOPIC.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    made = await world.document(size=20_000, format="wav")
    assert await world.app.intake.deliver(json.dumps(make(made["event"]))) is Outcome.QUEUED


async def test_a_call_of_another_resource_is_not_recorded(make_world: MakeWorld):
    world, _ = await recording(make_world, EVENT_SOURCE=TOPIC)
    call, event = await begun(world)
    assert await world.app.intake.receive(event | {"topic": ELSEWHERE}) is Outcome.QUARANTINED
    assert await recordings_of(world, call) == []
    assert await world.app.intake.receive(event) is Outcome.ACCEPTED


async def test_a_foreign_event_has_no_effect_from_the_dead_letters_or_the_quarantine(make_world: MakeWorld):
    world: World = await make_world(EVENT_SOURCE=TOPIC)
    made = await world.document(size=20_000, format="wav")
    event = made["event"] | {"topic": ELSEWHERE}
    async with world.container(world.settings.deadletter_container) as letters:
        await letters.upload_blob("one.json", json.dumps([event]).encode())
    gateway = DeadLetters(world.app.clients.archive, world.settings.deadletter_container)
    counted = await DeadLetterReplay(gateway, world.app.intake).run(apply=True)
    assert (counted.outcomes, counted.removed) == ({Outcome.QUARANTINED: 1}, 1)
    async with world.container(world.settings.quarantine_container) as kept:
        (name,) = [blob.name async for blob in kept.list_blobs()]
    answer = await world.commands.replay_quarantined(name.removesuffix(".json"), by="eve")
    assert (answer.status, json_of(answer)["reason"]) == (400, "invalid-request")
    assert "EVENT_SOURCE" in json_of(answer)["detail"]
    assert await world.queued() == 0
    assert await world.gateways.catalogue.recording(key_of(made["recordingId"])) == (None, ())


async def test_a_foreign_event_of_an_ignored_type_is_not_quarantined(make_world: MakeWorld, caplog: Any):
    world: World = await make_world(EVENT_SOURCE=TOPIC)
    with caplog.at_level(logging.INFO):
        event = {"eventType": "Microsoft.Communication.SMSReceived", "topic": ELSEWHERE, "data": {}}
        assert await world.app.intake.receive(event) is Outcome.IGNORED
    assert await world.quarantined() == []
