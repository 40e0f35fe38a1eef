"""The archive answer. A wait that ends too early loses a file, and one that never ends hides a loss."""

import json
from typing import Any

import pytest

from shared.domain.failure import Failure
from shared.domain.keys import key_of
from shared.domain.records import Recording
from shared.domain.states import ChunkState, RecordingState
from shared.errors import Fault
from shared.http.answers import Answer
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://callvault.example/api/recordings?code=secret"
CHUNK_ENDED = "ChunkMaximumTimeExceeded"


def json_of(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body


async def ask(world: World, recording_id: str) -> Answer:
    return await world.commands.archive(recording_id, url=f"{URL}/{recording_id}/archive", by="ada")


async def waits_for(world: World, recording_id: str) -> str:
    answer = await ask(world, recording_id)
    assert answer.status == 202, answer.body
    return str(json_of(answer)["waitingFor"])


async def start(world: World, people: int = 2, **fields: Any) -> tuple[str, list[str]]:
    call = await world.acs("POST", "/calls", kind="group", participants=people)
    body = {"serverCallId": call["serverCallId"]} | fields
    answer = await world.commands.start(json.dumps(body).encode(), url=URL, idempotency_key=None, by="ada")
    return json_of(answer)["recordingId"], [one["participantId"] for one in call["participants"]]


def events_of(made: dict[str, Any]) -> list[dict[str, Any]]:
    """One event for each chunk, instead of the simulator's single event."""
    event = made["event"]
    chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return [
        event | {"data": event["data"] | {"recordingStorageInfo": {"recordingChunks": [chunk]}}} for chunk in chunks
    ]


async def test_a_stop_with_prefer_respond_async_answers_202_with_a_location(world: World):
    recording_id, _ = await start(world)
    url = f"https://callvault.example/api/recordings/{recording_id}/stop?code=secret"
    answer = await world.commands.stop(recording_id, url=url, prefer="return=minimal, Respond-Async; x=1", by="ada")
    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["Location"].startswith("https://callvault.example/api/recordings/")
    assert answer.headers["Location"].endswith("/archive")
    assert "secret" not in answer.headers["Location"]
    assert int(answer.headers["Retry-After"]) > 0
    waiting = await ask(world, recording_id)
    assert (waiting.status, waiting.headers["Location"]) == (202, answer.headers["Location"])
    assert int(waiting.headers["Retry-After"]) > 0


@pytest.mark.parametrize("prefer", [None, "", "wait=10", "respond-asynchronously", "x=respond-async"])
async def test_a_stop_without_prefer_is_answered_at_once(world: World, prefer: str | None):
    recording_id, _ = await start(world)
    answer = await world.commands.stop(recording_id, url=URL, prefer=prefer, by="ada")
    assert (answer.status, dict(answer.headers)) == (200, {})


@pytest.mark.storage("memory", "azurite")
async def test_the_answer_waits_for_the_recording_then_its_files_then_its_chunks_and_then_has_the_record(
    world: World,
):
    recording_id, people = await start(world, people=3, channel="unmixed", correlation="case 12")
    assert await waits_for(world, recording_id) == "recording"
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=4)
    await world.commands.pause(recording_id, by="ada")
    assert await waits_for(world, recording_id) == "recording", "a pause does not end the recording"
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=2)
    await world.commands.resume(recording_id, by="ada")
    await world.acs("POST", f"/recordings/{recording_id}/cut")
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=3)
    await world.commands.stop(recording_id, by="ada")
    assert await waits_for(world, recording_id) == "files"
    (event,) = [one for one in await world.acs("GET", "/events") if recording_id in one["event"]["subject"]]
    await world.app.intake.receive(event["event"])
    assert await waits_for(world, recording_id) == "chunks"
    await world.drained()

    answer = await ask(world, recording_id)
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    record = json_of(answer)
    assert (record["recordingId"], record["correlation"]) == (recording_id, "case 12")
    originals = (await world.acs("GET", f"/recordings/{recording_id}"))["chunks"]
    assert len(record["chunks"]) == len(originals) == 2
    blobs = await world.blobs()
    for shown, original in zip(record["chunks"], originals, strict=True):
        assert (shown["documentId"], shown["index"]) == (original["documentId"], original["index"])
        assert (shown["size"], shown["sha256"]) == (original["size"], original["sha256"])
        assert shown["metadataSha256"] == original["metadataSha256"]
        assert len(blobs[shown["blobName"]]) == shown["size"]
        assert len(blobs[shown["metadataBlobName"]]) == shown["metadataSize"]
        assert shown["blobUrl"].endswith(f"/{world.settings.archive_container}/{shown['blobName']}")
        assert shown["durationMs"] == original["metadata"]["chunkDuration"]
        channels = {one["participantId"]: one["channel"] for one in shown["participants"]}
        assert channels == {one["participantId"]: one["channel"] for one in original["metadata"]["participants"]}
        assert set(channels) == set(people)
    (pause,) = [pause for chunk in record["chunks"] for pause in chunk["pauses"]]
    assert pause["durationMs"] >= 2000
    assert record["size"] == sum(chunk["size"] for chunk in record["chunks"])


async def test_all_files_are_awaited_even_if_the_last_one_is_announced_first(world: World):
    made = await world.document(size=20_000, format="wav", count=3)
    first, middle, last = events_of(made)
    for event in (last, first):
        await world.app.intake.receive(event)
        await world.drained()
        assert await waits_for(world, made["recordingId"]) == "files"
    await world.app.intake.receive(middle)
    await world.drained()
    assert (await ask(world, made["recordingId"])).status == 200


async def test_a_chunk_that_isn_t_the_last_one_doesn_t_end_the_wait(world: World):
    recording_id, _ = await start(world)
    made = await world.document(size=20_000, format="wav", count=2, recordingId=recording_id)
    early, last = events_of(made)
    await world.app.intake.receive(early)
    await world.drained()
    assert await waits_for(world, recording_id) == "recording"
    await world.commands.stop(recording_id, by="ada")
    assert await waits_for(world, recording_id) == "files"
    await world.app.intake.receive(last)
    await world.drained()
    assert (await ask(world, recording_id)).status == 200


async def test_the_files_of_an_event_without_end_reasons_count_as_all_files(world: World):
    made = await world.document(size=20_000, format="wav")
    (event,) = events_of(made)
    del event["data"]["recordingStorageInfo"]["recordingChunks"][0]["endReason"]
    await world.app.intake.receive(event)
    await world.drained()
    assert (await ask(world, made["recordingId"])).status == 200


async def test_a_file_that_is_never_announced_ends_the_wait_with_an_error(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    made = await world.document(size=20_000, format="wav", count=3)
    first, _, last = events_of(made)
    await world.app.intake.receive(first)
    await world.app.intake.receive(last)
    await world.drained()
    clock.forward(minutes=world.settings.files_awaited_minutes - 1)
    assert await waits_for(world, made["recordingId"]) == "files"
    clock.forward(minutes=2)
    answer = await ask(world, made["recordingId"])
    assert (answer.status, json_of(answer)["reason"], json_of(answer)["retry"]) == (409, "files-overdue", True)


async def test_a_recording_without_any_announced_file_ends_the_wait_with_an_error(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    recording_id, _ = await start(world)
    await world.commands.stop(recording_id, by="ada")
    clock.forward(minutes=world.settings.files_awaited_minutes + 1)
    assert await waits_for(world, recording_id) == "files", "the sweep decides when files are overdue"
    await world.app.sweep.run()
    answer = await ask(world, recording_id)
    assert (answer.status, json_of(answer)["reason"]) == (409, "files-overdue")
    assert "Event Grid" in json_of(answer)["detail"]


@pytest.mark.parametrize(
    ("state", "status", "reason", "advice"),
    [
        (ChunkState.FAILED, 409, "chunk-failed", "/replay"),
        (ChunkState.LOST, 410, "chunk-lost", "ACS no longer has the files"),
    ],
)
async def test_a_failed_or_lost_chunk_ends_the_wait_at_once(
    world: World, state: ChunkState, status: int, reason: str, advice: str
):
    made, job = await world.announced(size=20_000, format="wav", count=2)
    chunk = await world.chunk(job)
    await world.writers.chunks.replace(
        chunk.move(
            state,
            failure=Failure(fault=Fault.SOURCE, reason="source-gone", detail="no such file"),
            **{f"{state}_at": chunk.pending_at},
        )
    )
    answer = await ask(world, made["recordingId"])
    problem = json_of(answer)
    assert (answer.status, problem["status"], problem["reason"]) == (status, status, reason)
    assert answer.media_type == "application/problem+json"
    assert "Retry-After" not in answer.headers
    assert (problem["fault"], problem["detail"].startswith("1 of 2 chunks")) == ("source", True)
    assert "source-gone" in problem["detail"]
    assert advice in problem["detail"]


async def test_a_recording_that_acs_could_not_start_ends_the_wait(world: World):
    recording_id, _ = await start(world)
    failed = Recording(recording_key=key_of(recording_id), control=RecordingState.FAILED, failure="no media (500)")
    await world.writers.recordings.merge(failed)
    answer = await ask(world, recording_id)
    assert (answer.status, json_of(answer)["reason"]) == (409, "nothing-recorded")
    assert "no media (500)" in json_of(answer)["detail"]


async def test_an_unknown_recording_is_not_found(world: World):
    assert (await ask(world, "eyJ1bmtub3duIjp0cnVlfQ")).status == 404
    assert (await ask(world, "a b")).status == 400


async def test_if_acs_can_t_be_reached_the_wait_only_takes_longer(world: World):
    recording_id, _ = await start(world)
    await world.fault("get", "serverError", status=503, times=0, recordingId=recording_id)
    assert await waits_for(world, recording_id) == "recording"
    await world.acs("DELETE", "/faults")


async def test_acs_is_not_asked_if_the_catalogue_has_the_answer(world: World):
    made, _ = await world.announced(size=20_000, format="wav")
    before = await world.acs("GET", "/requests")
    assert await waits_for(world, made["recordingId"]) == "chunks"
    assert await world.acs("GET", "/requests") == before


async def test_changed_metadata_in_the_archive_are_refused(world: World):
    made, _ = await world.announced(size=20_000, format="wav", participants=[{"name": "Alice"}])
    await world.drained()
    record = json_of(await ask(world, made["recordingId"]))
    assert record["chunks"][0]["participants"]
    name = record["chunks"][0]["metadataBlobName"]
    async with world.container(world.settings.archive_container) as container:
        await container.upload_blob(name, b'{"participants": []}', overwrite=True)
        answer = await ask(world, made["recordingId"])
        assert (answer.status, json_of(answer)["reason"]) == (409, "storage-conflict")
        await container.delete_blob(name)
    record = json_of(await ask(world, made["recordingId"]))
    assert (record["chunks"][0]["participants"], record["chunks"][0]["pauses"]) == (None, None)
    assert record["chunks"][0]["sha256"] == made["chunks"][0]["sha256"]
