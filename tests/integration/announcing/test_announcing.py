"""Others start to work on a recording because they were told of it: what nobody announces never gets a transcript."""

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
from tests.integration.conftest import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ARCHIVED, FAILED, LOST = "Callvault.ChunkArchived", "Callvault.ChunkFailed", "Callvault.ChunkLost"
COMPLETE = "Callvault.RecordingComplete"


@pytest.fixture(name="make_telling")
def make_telling_fixture(make_world: MakeWorld, simulator: Simulator) -> MakeWorld:
    """Makes worlds with a topic."""

    async def make(**overrides: Any) -> World:
        topic = {"ANNOUNCE_TOPIC_ENDPOINT": simulator.topic_endpoint, "ANNOUNCE_TOPIC_KEY": simulator.topic_key}
        world: World = await make_world(**(topic | overrides))
        return world

    return make


async def told_of(world: World, made: dict[str, Any]) -> list[Announcement]:
    """What the topic took of a recording, in the order in which it came."""
    taken = await world.acs("GET", f"/announcements?recordingId={made['recordingId']}")
    return [Announcement.model_validate(one["event"]) for one in taken]


async def types_of(world: World, made: dict[str, Any]) -> list[str]:
    return [one.type for one in await told_of(world, made)]


async def rows_of(world: World, made: dict[str, Any]) -> int:
    table = world.app.clients.tables.get_table_client(world.settings.worklist_table)
    return len([row async for row in table.list_entities() if row["recordingKey"] == key_of(made["recordingId"])])


async def test_a_safe_chunk_and_the_recording_that_it_completes_are_announced(make_telling: MakeWorld):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    chunk, source = await world.chunk(job), made["chunks"][0]
    safe, complete = await told_of(world, made)
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


async def test_nothing_announced_names_a_participant_or_holds_a_signature(make_telling: MakeWorld):
    world = await make_telling()
    people = [{"id": "8:acs:who-was-on-the-call", "name": "Alice"}]
    made, job = await world.announced(size=30_000, format="wav", participants=people)
    await world.app.archiving.handle(job)
    text = "".join(one.encode() for one in await told_of(world, made))
    assert text
    assert [word for word in ("8:acs:", "Alice", "sig=", "?", "AccountKey") if word in text] == []


async def test_the_correlation_that_a_caller_gave_comes_with_every_announcement(make_telling: MakeWorld):
    world = await make_telling()
    call = await world.acs("POST", "/calls", kind="group", participants=2)
    body = f'{{"serverCallId": "{call["serverCallId"]}", "correlation": "case 4711"}}'.encode()
    answer = await world.commands.start(body, url="https://x/api/recordings", idempotency_key=None, by="ada")
    assert answer.status == 201
    recording_id = json.loads(answer.body)["recordingId"]
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=2)
    await world.commands.stop(recording_id, by="ada")
    ended = await world.acs("GET", f"/recordings/{recording_id}")  # waits for its files
    published = [one for one in await world.acs("GET", "/events") if ended["recordingId"] in one["event"]["subject"]]
    await world.app.intake.receive(published[-1]["event"])
    await world.drained()
    assert {one.data.correlation for one in await told_of(world, ended)} == {"case 4711"}


async def test_a_recording_is_announced_after_each_of_its_chunks_though_they_end_at_once(make_telling: MakeWorld):
    world = await make_telling()
    made, _ = await world.announced(size=30_000, format="wav", count=6)
    await asyncio.gather(*(world.app.archiving.handle(world.job(made, number)) for number in range(6)))
    types = await types_of(world, made)
    ids = {one.id for one in await told_of(world, made)}
    assert COMPLETE in types
    assert Counter(types[: types.index(COMPLETE)])[ARCHIVED] >= 6
    assert len(ids) == 7, "six chunks and their recording, whoever announced them and however often"


async def test_a_recording_with_a_chunk_that_failed_is_complete_only_once_that_is_safe(make_telling: MakeWorld):
    world = await make_telling(MAX_ATTEMPTS=1)
    made, _ = await world.announced(size=30_000, format="wav", count=2)
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    for number in range(2):
        await world.app.archiving.handle(world.job(made, number))
    assert sorted(await types_of(world, made)) == [ARCHIVED, FAILED]
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert (await types_of(world, made))[2:] == [ARCHIVED, COMPLETE]


async def test_a_failed_chunk_is_announced_with_whose_fault_it_is_and_why(make_telling: MakeWorld):
    world = await make_telling(MAX_ATTEMPTS=1)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    (failed,) = await told_of(world, made)
    assert isinstance(failed.data, ChunkData)
    assert (failed.type, failed.data.fault, failed.data.reason) == (FAILED, "source", "acs-unavailable")
    assert (failed.data.media, failed.data.attempts) == (None, 1)
    assert (await world.chunk(job)).outbox is None


async def test_a_lost_chunk_is_announced(make_telling: MakeWorld):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    await world.acs("POST", f"/documents/{made['chunks'][0]['documentId']}/expire")
    chunk = await world.chunk(job)
    await world.books.chunks.replace(chunk.evolve(gone=4, gone_since=chunk.pending_at - timedelta(hours=4)))
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == [LOST]


async def test_a_chunk_whose_job_was_poison_is_announced(make_telling: MakeWorld):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.poison.bury(job.encode().encode())
    (failed,) = await told_of(world, made)
    assert isinstance(failed.data, ChunkData)
    assert failed.data.reason == "poisoned"


@pytest.mark.parametrize("kind", ["serverError", "throttle", "unauthorized", "html", "reset"])
async def test_a_topic_that_is_down_delays_no_delete_and_is_told_by_the_sweep(make_telling: MakeWorld, kind: str):
    clock = MovableClock()
    world = await make_telling(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", kind, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.RELEASED
    assert chunk.outbox is not None
    assert await rows_of(world, made) == 1, "what is still to be announced stays on the worklist"
    clock.forward(minutes=6)
    await world.app.sweep.run()
    assert await types_of(world, made) == [ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_the_delete_does_not_wait_for_a_topic_that_says_nothing(make_telling: MakeWorld):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "delayAnswer", seconds=9, recordingId=made["recordingId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    async with asyncio.timeout(60):
        while (await world.source(made))["deletedAt"] is None:  # noqa: ASYNC110 - another process deletes it
            await asyncio.sleep(0.02)
    assert await types_of(world, made) == [], "the source is gone while the topic has not answered yet"
    working.cancel()  # there is nothing more to see in it: how it ends when the topic answers is told elsewhere
    await asyncio.gather(working, return_exceptions=True)


async def test_a_source_that_can_t_be_deleted_and_a_topic_that_is_down_are_told_apart(
    make_telling: MakeWorld, caplog: pytest.LogCaptureFixture
):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.fault("delete", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.fault, chunk.reason) == (ChunkState.ARCHIVED, "source", "acs-unavailable")
    assert [text.partition(" {")[0] for text in caplog.messages if "reason" in text] == [
        "not announced",
        "source not deleted",
    ]
    assert "topic-unavailable" in caplog.text


async def test_news_that_can_t_be_put_into_words_keep_no_chunk_from_its_release(make_telling: MakeWorld):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    of_a_later_version = '[{"state": "copying", "at": "2026-11-21T10:00:00Z", "attempts": 1}]'
    await world.books.chunks.replace((await world.chunk(job)).evolve(outbox=of_a_later_version))
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["deletedAt"] is not None


async def test_a_topic_that_gave_no_answer_is_left_alone_for_a_moment(make_telling: MakeWorld):
    world = await make_telling(clock=MovableClock())
    made, job = await world.announced(size=30_000, format="wav")
    other, next_job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "reset", recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(next_job)
    assert (await world.chunk(next_job)).state is ChunkState.RELEASED
    assert await types_of(world, other) == []


async def test_what_was_taken_though_the_answer_failed_is_announced_again_under_the_same_id(make_telling: MakeWorld):
    clock = MovableClock()
    world = await make_telling(clock=clock)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", applied=True, recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    clock.forward(minutes=6)
    await world.app.sweep.run()
    told = await told_of(world, made)
    assert [one.type for one in told] == [ARCHIVED, COMPLETE] * 2
    assert told[:2] == told[2:]


async def test_a_failure_that_could_not_be_announced_still_is_once_the_chunk_is_safe(make_telling: MakeWorld):
    clock = MovableClock()
    world = await make_telling(clock=clock, MAX_ATTEMPTS=1)
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.fault("download", "serverError", documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await world.commands.replay(made["recordingId"], by="ada")
    clock.forward(minutes=1)
    await world.drained()
    assert await types_of(world, made) == [FAILED, ARCHIVED, COMPLETE]


async def test_a_kept_source_makes_no_difference_to_what_is_announced(make_telling: MakeWorld):
    world = await make_telling(DELETE_SOURCE="false")
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == [ARCHIVED, COMPLETE]
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def test_a_topic_that_stays_away_is_tried_less_and_less_and_given_up_after_a_week(
    make_telling: MakeWorld, caplog: pytest.LogCaptureFixture
):
    clock = MovableClock()
    world = await make_telling(clock=clock)
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
    said = [text.partition(" {")[0] for text in caplog.messages if "announce" in text]
    assert (said[0], said[-1]) == ("not announced", "announcement given up")
    assert set(said[4:-1]) == {"announcement overdue"}, "after an hour someone is woken"
    assert ((await world.chunk(job)).outbox, await rows_of(world, made)) == (None, 0)


async def waiting_news(world: World, number: int) -> list[ChunkJob]:
    """Released chunks that nobody was told of: the topic was down."""
    await world.fault("announce", "serverError", times=0)
    jobs = [(await world.announced(size=2000, format="wav"))[1] for _ in range(number)]
    await world.drained()
    await world.acs("DELETE", "/faults")
    return jobs


async def untold(world: World, jobs: list[ChunkJob]) -> int:
    return sum([(await world.chunk(job)).outbox is not None for job in jobs])


async def test_a_topic_that_refuses_one_request_a_minute_stops_nearly_nothing(make_telling: MakeWorld):
    clock = MovableClock()
    world = await make_telling(clock=clock)
    jobs = await waiting_news(world, 24)
    clock.forward(minutes=25)  # whatever was refused now would wait as long again
    for _ in range(2):
        await world.fault("announce", "serverError", times=1)
        clock.forward(minutes=1)
        await world.app.sweep.run()
    assert await untold(world, jobs) <= 2, "of those that were offered one is refused each time, and no other waits"
    await world.acs("DELETE", "/faults")
    clock.forward(minutes=31)
    await world.app.sweep.run()
    assert await untold(world, jobs) == 0


async def test_safe_chunks_that_wait_for_the_topic_are_neither_open_nor_hide_what_is(make_telling: MakeWorld):
    clock = MovableClock()
    world = await make_telling(clock=clock)
    jobs = await waiting_news(world, 3)
    released = await world.chunk(jobs[0])
    for number in range(30):  # of one shard, each with a nearer deadline than what is open
        other = released.evolve(deadline=released.deadline - timedelta(minutes=number + 1))
        await world.books.open_work.add(WorkItem.of_news(other, clock.now()))
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


async def test_news_of_a_chunk_that_was_put_back_go_on_with_it(make_telling: MakeWorld):
    clock = MovableClock()
    world = await make_telling(clock=clock)
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


async def test_a_topic_that_was_taken_away_leaves_nothing_open(make_telling: MakeWorld, make_world: MakeWorld):
    world = await make_telling()
    made, job = await world.announced(size=30_000, format="wav")
    await world.fault("announce", "serverError", recordingId=made["recordingId"])
    await world.app.archiving.handle(job)
    clock = MovableClock()
    silent = await make_world(like=world, clock=clock, ANNOUNCE_TOPIC_ENDPOINT="", ANNOUNCE_TOPIC_KEY="")
    clock.forward(minutes=6)
    await silent.app.sweep.run()
    assert await rows_of(world, made) == 0


async def test_the_key_of_the_topic_is_in_no_log(
    make_telling: MakeWorld, simulator: Simulator, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    world = await make_telling(ANNOUNCE_TOPIC_KEY="a-key-that-is-wrong-and-secret")
    made, job = await world.announced(size=30_000, format="wav")
    await world.app.archiving.handle(job)
    assert await types_of(world, made) == []
    assert "topic-refused" in caplog.text
    assert "a-key-that-is-wrong-and-secret" not in caplog.text
    assert simulator.topic_key not in caplog.text


async def test_news_cost_a_read_and_nothing_where_there_is_no_topic(
    make_telling: MakeWorld, make_world: MakeWorld, caplog: pytest.LogCaptureFixture
):
    silent, telling = await make_world(), await make_telling()
    without, with_topic = await operations(silent, caplog), await operations(telling, caplog)
    assert with_topic - without == Counter(GET=1), "the recording's rows, to say what the chunk belongs to"
    assert without - with_topic == Counter()


async def operations(world: World, caplog: pytest.LogCaptureFixture) -> Counter[str]:
    """Storage operations of a chunk's way from its job to its release, by method."""
    made, _ = await world.announced(size=30_000, format="wav")
    job = world.job(made)
    caplog.clear()
    with caplog.at_level(logging.INFO, "azure.core.pipeline.policies.http_logging_policy"):
        await world.app.archiving.handle(job)
    lines = [line for line in caplog.text.splitlines() if line.startswith("Request method: ")]
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert lines, "the SDK must have logged its requests"
    return Counter(line.split("'")[1] for line in lines)


async def test_as_many_failures_as_may_come_never_keep_a_chunk_from_being_archived(make_telling: MakeWorld):
    clock = MovableClock()
    world = await make_telling(clock=clock, MAX_ATTEMPTS=1)
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
