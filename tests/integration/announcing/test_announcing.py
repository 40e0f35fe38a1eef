"""Subscribers process a recording because of its announcement: without one, it never gets a transcript, for example."""

import asyncio
import json
import logging
from collections import Counter
from datetime import timedelta

import pytest

from local.acs.simulator import Simulator
from shared.contracts.events.announcements import ChunkData, CompleteData
from shared.domain.states import ChunkState
from tests.integration.announcing.announced import ARCHIVED, COMPLETE, FAILED, LOST, announcements_of, rows_of, types_of
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.storage("memory", "azurite")
async def test_a_safe_chunk_and_the_recording_that_it_completes_are_announced(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    chunk, source = await world.chunk(job), made["chunks"][0]
    safe, complete = await announcements_of(world, made)
    assert (safe.type, complete.type) == (ARCHIVED, COMPLETE)
    assert isinstance(safe.data, ChunkData)
    assert safe.data.media is not None
    assert safe.data.metadata is not None
    assert (safe.data.document_id, safe.data.index, safe.time) == (source["documentId"], 0, chunk.archived_at)
    assert (safe.data.media.size, safe.data.media.sha256) == (source["size"], source["sha256"])
    assert (safe.data.metadata.size, safe.data.metadata.sha256) == (source["metadataSize"], source["metadataSha256"])
    assert safe.data.media.url == f"{safe.source}/{chunk.blob_name}"
    assert safe.subject == f"recordings/{job.recordingKey}/chunks/{job.chunkKey}"
    assert isinstance(complete.data, CompleteData)
    assert (complete.data.chunk_count, complete.data.size) == (1, source["size"])
    assert complete.data.chunks[0].media == safe.data.media
    assert (chunk.state, chunk.outbox, await rows_of(world, made)) == (ChunkState.RELEASED, None, 0)


async def test_no_announcement_contains_a_participant_or_a_signature(make_announcing: MakeWorld):
    world = await make_announcing()
    people = [{"id": "8:acs:who-was-on-the-call", "name": "Alice"}]
    made, job = await world.announced(size=30_000, format="wav", participants=people)
    await world.app.archiving.handle(job)
    text = "".join(one.encode() for one in await announcements_of(world, made))
    assert text
    assert [word for word in ("8:acs:", "Alice", "sig=", "?", "AccountKey") if word in text] == []


async def test_every_announcement_contains_the_caller_s_correlation(make_announcing: MakeWorld):
    world = await make_announcing()
    call = await world.acs("POST", "/calls", kind="group", participants=2)
    body = f'{{"serverCallId": "{call["serverCallId"]}", "correlation": "case 4711"}}'.encode()
    answer = await world.commands.start(body, url="https://x/api/recordings", idempotency_key=None, by="ada")
    assert answer.status == 201
    recording_id = json.loads(answer.body)["recordingId"]
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=2)
    await world.commands.stop(recording_id, by="ada")
    ended = await world.acs("GET", f"/recordings/{recording_id}")  # the recording waits for its files
    published = [one for one in await world.acs("GET", "/events") if ended["recordingId"] in one["event"]["subject"]]
    await world.app.intake.receive(published[-1]["event"])
    await world.drained()
    assert {one.data.correlation for one in await announcements_of(world, ended)} == {"case 4711"}


async def test_a_recording_is_announced_after_all_of_its_chunks_although_they_end_at_once(make_announcing: MakeWorld):
    world = await make_announcing()
    made, _ = await world.announced(size=30_000, format="wav", count=6)
    await asyncio.gather(*(world.app.archiving.handle(world.job(made, number)) for number in range(6)))
    types = await types_of(world, made)
    ids = {one.id for one in await announcements_of(world, made)}
    assert COMPLETE in types
    assert Counter(types[: types.index(COMPLETE)])[ARCHIVED] >= 6
    assert len(ids) == 7, "six chunks and their recording, whichever worker announced them and however often"


async def test_a_recording_with_a_failed_chunk_is_complete_only_once_that_chunk_is_safe(make_announcing: MakeWorld):
    world = await make_announcing(MAX_ATTEMPTS=1)
    made, _ = await world.announced(size=30_000, format="wav", count=2)
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    for number in range(2):
        await world.app.archiving.handle(world.job(made, number))
    assert sorted(await types_of(world, made)) == [ARCHIVED, FAILED]
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert (await types_of(world, made))[2:] == [ARCHIVED, COMPLETE]


async def test_a_failed_chunk_is_announced_with_fault_and_reason(make_announcing: MakeWorld):
    world = await make_announcing(MAX_ATTEMPTS=1)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    (failed,) = await announcements_of(world, made)
    assert isinstance(failed.data, ChunkData)
    assert (failed.type, failed.data.fault, failed.data.reason) == (FAILED, "source", "acs-unavailable")
    assert (failed.data.media, failed.data.attempts) == (None, 1)
    assert (await world.chunk(job)).outbox is None


async def test_a_lost_chunk_is_announced(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.acs("POST", f"/documents/{made['chunks'][0]['documentId']}/expire")
    chunk = await world.chunk(job)
    await world.writers.chunks.replace(chunk.evolve(gone=4, gone_since=chunk.pending_at - timedelta(hours=4)))
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == [LOST]


async def test_a_chunk_whose_job_was_poison_is_announced(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.poison.keep(job.encode().encode())
    (failed,) = await announcements_of(world, made)
    assert isinstance(failed.data, ChunkData)
    assert failed.data.reason == "poisoned"


async def test_a_chunk_whose_source_is_kept_is_announced_like_others(make_announcing: MakeWorld):
    world = await make_announcing(DELETE_SOURCE="false")
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == [ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_no_log_contains_the_topic_s_key(
    make_announcing: MakeWorld, simulator: Simulator, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    world = await make_announcing(ANNOUNCE_TOPIC_KEY="a-key-that-is-wrong-and-secret")
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == []
    assert "topic-refused" in caplog.text
    assert "a-key-that-is-wrong-and-secret" not in caplog.text
    assert simulator.topic_key not in caplog.text


@pytest.mark.storage("azurite")
async def test_an_announcement_costs_one_read_and_without_a_topic_nothing(
    make_announcing: MakeWorld, make_world: MakeWorld, caplog: pytest.LogCaptureFixture
):
    silent, telling = await make_world(), await make_announcing()
    without, with_topic = await operations(silent, caplog), await operations(telling, caplog)
    assert with_topic - without == Counter(GET=1), "one read of the recording's rows, for the announcement"
    assert without - with_topic == Counter()


async def operations(world: World, caplog: pytest.LogCaptureFixture) -> Counter[str]:
    """The storage operations from a chunk's job to its release, by method."""
    made, _ = await world.announced(size=30_000, format="wav")
    job = world.job(made)
    caplog.clear()
    with caplog.at_level(logging.INFO, "azure.core.pipeline.policies.http_logging_policy"):
        await world.app.archiving.handle(job)
    lines = [line for line in caplog.text.splitlines() if line.startswith("Request method: ")]
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert lines, "the SDK must have logged its requests"
    return Counter(line.split("'")[1] for line in lines)


async def test_a_chunk_with_many_announced_failures_is_still_archived(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock, MAX_ATTEMPTS=1)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", times=0, recordingId=made["recordingId"])
    await world.fault("download", "serverError", times=30, documentId=made["chunks"][0]["documentId"])
    for _ in range(31):
        await world.app.archiving.handle(job)
        await world.commands.replay(made["recordingId"], by="ada")
        clock.forward(seconds=20)
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.RELEASED
    assert len(chunk.outbox or "") < 32_768
    assert clock.now() - (chunk.archived_at or clock.now()) < timedelta(minutes=1)
