"""Subscribers process a recording because of its announcement: without one, it never gets a transcript, for example."""

import asyncio
import json
import logging
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from local.acs.simulator import Simulator
from shared.contracts.events.announcements import Announcement, ChunkData, CompleteData
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from tests.integration.world import MakeWorld, MovableClock, QuickClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ARCHIVED, FAILED, LOST = "Callvault.ChunkArchived", "Callvault.ChunkFailed", "Callvault.ChunkLost"
COMPLETE = "Callvault.RecordingComplete"


@pytest.fixture(name="make_announcing")
def make_announcing_fixture(make_world: MakeWorld, simulator: Simulator) -> MakeWorld:
    """Makes worlds with a topic for announcements."""

    async def make(**overrides: Any) -> World:
        topic = {"ANNOUNCE_TOPIC_ENDPOINT": simulator.topic_endpoint, "ANNOUNCE_TOPIC_KEY": simulator.topic_key}
        world: World = await make_world(**(topic | overrides))
        return world

    return make


async def announcements_of(world: World, made: dict[str, Any]) -> list[Announcement]:
    """The announcements of a recording that the topic accepted, in order."""
    taken = await world.acs("GET", f"/announcements?recordingId={made['recordingId']}")
    return [Announcement.model_validate(one["event"]) for one in taken]


async def types_of(world: World, made: dict[str, Any]) -> list[str]:
    return [one.type for one in await announcements_of(world, made)]


async def rows_of(world: World, made: dict[str, Any]) -> int:
    table = world.app.clients.tables.get_table_client(world.settings.worklist_table)
    return len([row async for row in table.list_entities() if row["recordingKey"] == key_of(made["recordingId"])])


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


@pytest.mark.parametrize("kind", ["serverError", "throttle", "unauthorized", "html", "reset"])
async def test_a_topic_that_is_down_delays_no_delete_and_the_sweep_announces_later(
    make_announcing: MakeWorld, kind: str
):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", kind, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.RELEASED
    assert chunk.outbox is not None
    assert await rows_of(world, made) == 1, "a pending announcement stays on the worklist"
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert await types_of(world, made) == [ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_the_delete_does_not_wait_for_a_topic_that_does_not_answer(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "delayAnswer", seconds=9, recordingId=made["recordingId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    async with asyncio.timeout(60):
        while (await world.source(made))["deletedAt"] is None:  # noqa: ASYNC110 - another process deletes it
            await asyncio.sleep(0.02)
    assert await types_of(world, made) == [], "the source is gone while the topic has not answered yet"
    working.cancel()  # other tests show what happens once the topic answers
    await asyncio.gather(working, return_exceptions=True)


async def test_a_failed_delete_and_a_failed_announcement_are_retried_independently(
    make_announcing: MakeWorld, caplog: pytest.LogCaptureFixture
):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.fault("delete", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.fault, chunk.reason) == (ChunkState.ARCHIVED, "source", "acs-unavailable")
    assert [text.partition(" {")[0] for text in caplog.messages if "reason" in text] == [
        "announcement failed",
        "source not deleted",
    ]
    assert "topic-unavailable" in caplog.text


async def test_a_chunk_is_released_although_its_announcement_can_t_be_built(make_announcing: MakeWorld):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    of_a_later_version = '[{"state": "copying", "at": "2026-11-21T10:00:00Z", "attempts": 1}]'
    await world.writers.chunks.replace((await world.chunk(job)).evolve(outbox=of_a_later_version))
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["deletedAt"] is not None


async def test_no_requests_are_sent_for_a_moment_after_the_topic_failed_to_answer(make_announcing: MakeWorld):
    world = await make_announcing(clock=MovableClock())
    made, job = await world.announced(size=30_000, format="wav")
    other, next_job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "reset", recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(next_job)
    assert (await world.chunk(next_job)).state is ChunkState.RELEASED
    assert await types_of(world, other) == []


async def test_an_announcement_whose_answer_failed_is_sent_again_with_the_same_id(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", applied=True, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    clock.forward(minutes=6)
    await world.app.sweep.run()
    announced = await announcements_of(world, made)
    assert [one.type for one in announced] == [ARCHIVED, COMPLETE] * 2
    assert announced[:2] == announced[2:]


async def test_a_failure_that_could_not_be_announced_is_announced_even_after_the_chunk_is_safe(
    make_announcing: MakeWorld,
):
    clock = MovableClock()
    world = await make_announcing(clock=clock, MAX_ATTEMPTS=1)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await world.commands.replay(made["recordingId"], by="ada")
    clock.forward(minutes=1)
    await world.drained()
    assert await types_of(world, made) == [FAILED, ARCHIVED, COMPLETE]


async def test_a_chunk_whose_source_is_kept_is_announced_like_others(make_announcing: MakeWorld):
    world = await make_announcing(DELETE_SOURCE="false")
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == [ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_an_announcement_is_retried_less_and_less_often_and_dropped_after_a_week(
    make_announcing: MakeWorld, caplog: pytest.LogCaptureFixture
):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", times=0, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    tries = 0
    for _ in range(24 * 3):
        clock.forward(minutes=20)
        tries += await world.app.sweep.run()
    assert tries <= 40, "every half hour at most"
    assert (await world.chunk(job)).outbox is not None
    clock.forward(days=7)
    await world.app.sweep.run()
    logged = [text.partition(" {")[0] for text in caplog.messages if "announce" in text]
    assert (logged[0], logged[-1]) == ("announcement failed", "announcement dropped")
    assert set(logged[4:-1]) == {"announcement overdue"}, "after an hour, an alert is raised"
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def chunks_to_announce(world: World, number: int) -> list[ChunkJob]:
    """Jobs of released chunks whose announcements are pending, because the topic was down."""
    await world.fault("announce", "serverError", times=0)
    jobs = [(await world.announced(size=2000, format="wav"))[1] for _ in range(number)]
    await world.drained()
    await world.acs("DELETE", "/faults")
    return jobs


async def count_pending(world: World, jobs: list[ChunkJob]) -> int:
    return sum([(await world.chunk(job)).outbox is not None for job in jobs])


async def test_a_topic_that_refuses_one_request_a_minute_delays_few_announcements(make_announcing: MakeWorld):
    clock = QuickClock()
    world = await make_announcing(clock=clock)
    jobs = await chunks_to_announce(world, 24)
    clock.forward(minutes=25)  # an announcement that is refused now waits another 25 minutes
    for _ in range(2):
        await world.fault("announce", "serverError", times=1)
        clock.forward(minutes=1)
        await world.app.sweep.run()
    assert await count_pending(world, jobs) <= 2, "only the announcement that the topic refused is still pending"
    await world.acs("DELETE", "/faults")
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert await count_pending(world, jobs) == 0


async def test_safe_chunks_that_wait_for_the_topic_neither_count_as_open_nor_hide_open_ones(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    jobs = await chunks_to_announce(world, 3)
    released = await world.chunk(jobs[0])
    for number in range(30):  # in one shard, each with a nearer deadline than the open chunk
        other = released.evolve(deadline=released.deadline - timedelta(minutes=number + 1))
        await world.writers.open_work.add(WorkItem.of_announcements(other, clock.now()))
    await world.fault("announce", "serverError", times=0)
    _, late = await world.announced(size=2000, format="wav")
    clock.forward(hours=20.1)
    health = json.loads((await world.commands.health()).body)
    assert health["oldestOpen"]["chunkKey"] == late.chunkKey
    assert {check["reason"] for check in health["checks"] if check["name"] == "deadline"} == {"late"}
    summary = json.loads((await world.queries.summary()).body)
    assert (summary["open"]["items"], summary["open"]["chunks"]) == (1, {"pending": 1})
    assert len(json.loads((await world.queries.recordings({"open": "true"}, None, by="ada")).body)["recordings"]) == 1
    await world.acs("DELETE", "/faults")


async def test_pending_announcements_stay_with_a_chunk_that_is_restarted(make_announcing: MakeWorld):
    clock = MovableClock()
    world = await make_announcing(clock=clock)
    made, job = await world.announced(size=2000, format="wav")
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "redirect", host="media.example.net", times=0, documentId=document_id)
    await world.fault("announce", "serverError", times=0)
    await world.drained()
    clock.forward(hours=49)
    await world.app.sweep.run()
    assert (await world.chunk(job)).state is ChunkState.LOST
    await world.commands.replay(made["recordingId"], by="ada")
    clock.forward(minutes=2)
    await world.app.sweep.run()
    await world.acs("DELETE", "/faults")
    await world.drained()
    clock.forward(minutes=2)
    await world.app.sweep.run()
    assert await types_of(world, made) == [FAILED, LOST, ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_pending_announcements_are_dropped_if_the_topic_is_no_longer_configured(
    make_announcing: MakeWorld, make_world: MakeWorld
):
    world = await make_announcing()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    clock = MovableClock()
    silent = await make_world(like=world, clock=clock, ANNOUNCE_TOPIC_ENDPOINT="", ANNOUNCE_TOPIC_KEY="")
    clock.forward(minutes=6)
    await silent.app.sweep.run()
    assert await rows_of(world, made) == 0


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
