"""An operator can replay failed work, and no poison message is lost."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.http.limits import EVENTS_BYTES
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
EVENTS = Path(__file__).parents[2] / "events"


async def failed(world: World, count: int = 1) -> dict[str, Any]:
    made = await world.document(size=20 * KIB, format="wav", count=count)
    for chunk in made["chunks"]:
        await world.fault("download", "redirect", host="media.example.net", documentId=chunk["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    return made


def json_of(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body


async def kept(world: World) -> list[str]:
    async with world.container(world.settings.quarantine_container) as container:
        return [blob.name async for blob in container.list_blobs()]


@pytest.mark.storage("memory", "azurite")
async def test_a_recording_s_failed_chunks_are_replayed_and_archived(world: World):
    made = await failed(world, count=2)
    answer = await world.commands.replay(made["recordingId"], by="ada")
    assert (answer.status, json_of(answer)["chunks"]) == (202, 2)
    await world.drained()
    again = await world.commands.replay(made["recordingId"], by="ada")
    assert json_of(again)["chunks"] == 0, "a safe chunk isn't replayed"
    for number in range(2):
        assert (await world.chunk(world.job(made, number))).state is ChunkState.RELEASED


async def test_one_chunk_can_be_replayed_alone(world: World):
    made = await failed(world, count=2)
    answer = await world.commands.replay(made["recordingId"], made["chunks"][1]["documentId"], by="ada")
    assert json_of(answer)["chunks"] == 1
    await world.drained()
    states = [(await world.chunk(world.job(made, number))).state for number in range(2)]
    assert states == [ChunkState.FAILED, ChunkState.RELEASED]


async def test_a_lost_chunk_whose_source_is_found_again_can_be_replayed(world: World):
    made, job = await world.announced(size=20 * KIB)
    lost = await world.chunk(job)
    await world.writers.chunks.replace(lost.move(ChunkState.LOST, lost_at=lost.pending_at))
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_replay_succeeds_although_another_process_wrote_the_chunk_first(world: World):
    """The write after the announcement of the failure, for example, comes right after the failure."""
    made = await failed(world)
    stale = await world.chunk(world.job(made))
    await world.writers.chunks.replace(stale.evolve(outbox=None, channel="announced"))
    replay = world.app.commands._replay  # noqa: SLF001 - another process writes after the read
    assert await replay.restart(stale)
    await world.drained()
    assert (await world.chunk(world.job(made))).state is ChunkState.RELEASED


@pytest.mark.parametrize("known", [True, False])
async def test_an_unknown_recording_or_chunk_can_t_be_replayed(world: World, known: bool):
    made, _ = await world.announced(size=20 * KIB)
    recording_id = made["recordingId"] if known else "nobody"
    answer = await world.commands.replay(recording_id, "no such document", by="ada")
    assert (answer.status, json_of(answer)["reason"]) == (404, "not-found")


@pytest.mark.storage("memory", "azurite")
async def test_a_quarantined_event_is_replayed_by_its_id(world: World):
    event = json.loads((EVENTS / "current.json").read_text())
    body = json.dumps({"reason": "an older version could not read it", "event": event}).encode()
    await world.quarantine("abc123.json", body)
    for _ in range(2):
        answer = await world.commands.replay_quarantined("abc123", by="ada")
        assert (answer.status, json_of(answer)["outcomes"]) == (202, ["queued"])
    recording_id = event["subject"].rpartition("/recordingId/")[2]
    assert len((await world.gateways.catalogue.recording(key_of(recording_id)))[1]) == 1


async def test_a_quarantined_event_that_still_can_t_be_parsed_stays_in_the_quarantine(world: World):
    await world.app.intake.receive(json.loads((EVENTS / "broken-no-chunks.json").read_text()))
    (name,) = await kept(world)
    answer = await world.commands.replay_quarantined(name.removesuffix(".json"), by="ada")
    assert (answer.status, json_of(answer)["reason"]) == (400, "invalid-request")
    assert "recordingChunks" in json_of(answer)["detail"]
    assert await kept(world) == [name]


@pytest.mark.parametrize(
    ("data", "status", "about"), [({"serverCallId": "aHR0cHM="}, 202, "ignored"), ({}, 400, "serverCallId")]
)
async def test_a_quarantined_call_event_is_replayed_as_a_call_event(
    world: World, data: dict[str, str], status: int, about: str
):
    event = {"id": "1", "eventType": "Microsoft.Communication.CallStarted", "data": data}
    await world.quarantine("abc123.json", json.dumps({"reason": "unknown", "event": event}).encode())
    answer = await world.commands.replay_quarantined("abc123", by="ada")
    assert answer.status == status
    assert about in answer.body


@pytest.mark.parametrize("quarantine_id", ["nothing", "../recordings/x", "jobs%2Fx", ""])
async def test_an_unknown_quarantine_id_is_404(world: World, quarantine_id: str):
    assert (await world.commands.replay_quarantined(quarantine_id, by="ada")).status == 404


async def test_an_operator_can_send_one_dead_lettered_event_or_an_array(world: World):
    one = json.loads((EVENTS / "current.json").read_text())
    dead_letter = [
        one | {"deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30},
        json.loads((EVENTS / "other-type.json").read_text()),
        json.loads((EVENTS / "broken-no-document.json").read_text()),
    ]
    answer = await world.commands.submit_events(json.dumps(dead_letter).encode(), by="ada")
    assert (answer.status, json_of(answer)["outcomes"]) == (202, ["queued", "ignored", "quarantined"])
    queued, ignored, quarantined = json_of(answer)["events"]
    (name,) = await kept(world)
    assert queued == {
        "id": one["id"],
        "outcome": "queued",
        "reason": None,
        "quarantineName": None,
        "quarantineId": None,
        "differing": [],
    }
    assert (ignored["outcome"], ignored["quarantineName"]) == ("ignored", None)
    assert ignored["reason"] == "no rule of AUTO_RECORD applies to the call"
    assert (quarantined["quarantineName"], quarantined["quarantineId"]) == (name, name.removesuffix(".json"))
    assert "documentId" in quarantined["reason"]
    again = await world.commands.submit_events(json.dumps(one).encode(), by="ada")
    assert json_of(again)["outcomes"] == ["queued"]
    recording_id = one["subject"].rpartition("/recordingId/")[2]
    assert len((await world.gateways.catalogue.recording(key_of(recording_id)))[1]) == 1


async def test_a_body_that_is_too_large_is_refused_before_any_event_is_taken_in(world: World):
    answer = await world.commands.submit_events(b"[" + b" " * EVENTS_BYTES + b"{}]", by="ada")
    assert (answer.status, json_of(answer)["reason"]) == (413, "body-too-large")
    assert await kept(world) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"17", b"[1]", b"[" * 100_000, b"[" + b"{}," * 1000 + b"{}]"])
async def test_a_body_without_events_is_refused_before_any_event_is_taken_in(world: World, body: bytes):
    answer = await world.commands.submit_events(body, by="ada")
    assert (answer.status, json_of(answer)["errors"][0]["field"]) == (400, "body")
    assert await kept(world) == []


async def test_a_poison_job_before_the_first_sweep_fails_its_chunk_and_is_stored(world: World):
    _, job = await world.announced(size=20 * KIB)
    await world.take_job()
    await world.app.poison.keep(job.encode().encode())
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason, chunk.fault) == (ChunkState.FAILED, "poisoned", "ours")
    (name,) = await kept(world)
    async with world.container(world.settings.quarantine_container) as container:
        body = json.loads(await (await container.download_blob(name)).readall())
    assert ChunkJob.decode(base64.b64decode(body["bodyBase64"])) == job


async def test_an_outage_of_storage_fails_no_chunk_that_the_sweep_queues_again(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, job = await world.announced(size=20 * KIB)
    await world.take_job()
    clock.forward(minutes=5)  # five deliveries, a minute apart
    await world.app.sweep.run()
    await world.app.poison.keep(job.encode().encode())
    assert (await world.chunk(job)).state is ChunkState.PENDING
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert len(await kept(world)) == 1


async def test_a_poison_job_doesn_t_fail_a_chunk_that_waits_for_its_next_attempt(world: World):
    made, job = await world.announced(size=20 * KIB)
    await world.fault("download", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(await world.take_job())
    await world.app.poison.keep(job.encode().encode())
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


@pytest.mark.parametrize(("deaths", "state"), [(1, ChunkState.COPYING), (5, ChunkState.FAILED)])
async def test_a_chunk_that_crashed_its_worker_on_each_delivery_fails(
    make_world: MakeWorld, deaths: int, state: ChunkState
):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, job = await world.announced(size=20 * KIB)
    for _ in range(deaths):
        assert await world.app.archiving._claim(await world.chunk(job)) is not None  # noqa: SLF001 - the worker crashes here
        clock.forward(seconds=61)
    await world.app.poison.keep(job.encode().encode())
    assert (await world.chunk(job)).state is state


async def test_attempts_that_failed_at_the_source_don_t_count_as_worker_crashes(make_world: MakeWorld):
    """One worker crashes while storage is unavailable. The chunk's five earlier attempts failed at the source."""
    clock = MovableClock()
    world = await make_world(clock=clock)
    made, job = await world.announced(size=20 * KIB)
    await world.fault("download", "serverError", status=503, times=5, documentId=made["chunks"][0]["documentId"])
    for _ in range(5):
        await world.app.archiving.handle(await world.take_job())
    assert await world.app.archiving._claim(await world.chunk(job)) is not None  # noqa: SLF001 - the worker crashes here
    clock.forward(minutes=5)
    await world.app.poison.keep(job.encode().encode())
    assert (await world.chunk(job)).state is ChunkState.COPYING
    await world.dropped()
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_a_poison_job_archives_a_chunk_whose_files_are_all_in_the_archive(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    made, job = await world.announced(size=20 * KIB)
    await world.fault("delete", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(await world.take_job())
    done = await world.chunk(job)
    dead = done.evolve(state=ChunkState.COPYING, owner="dead", lease_until=done.copying_at, next_attempt_at=None)
    await world.writers.chunks.replace(dead)
    await world.dropped()
    await world.app.poison.keep(job.encode().encode())
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert (await world.source(made))["downloads"] == 1


async def test_a_poison_job_doesn_t_change_a_chunk_that_made_progress(world: World):
    _, job = await world.announced(size=20 * KIB)
    await world.drained()
    await world.app.poison.keep(job.encode().encode())
    assert (await world.chunk(job)).state is ChunkState.RELEASED


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b'{"recordingKey": "x"}'])
async def test_a_message_that_is_not_a_job_is_stored_unchanged(world: World, body: bytes):
    await world.app.poison.keep(body)
    await world.app.poison.keep(body)
    assert len(await kept(world)) == 1


async def test_a_poison_job_of_an_unknown_chunk_is_stored(world: World):
    await world.app.poison.keep(ChunkJob(recordingKey="0" * 32, chunkKey="1" * 32).encode().encode())
    assert len(await kept(world)) == 1


async def test_a_replay_that_is_suspended_before_its_write_leaves_the_chunk_on_the_worklist(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
):
    """The sweep sees the row while the chunk is still lost, and removes it."""
    clock = MovableClock()
    world = await make_world(clock=clock)
    made, job = await world.announced(size=20 * KIB)
    await world.dropped()
    waiting = await world.chunk(job)
    await world.writers.open_work.remove(WorkItem.of_chunk(waiting, clock.now()))
    await world.writers.chunks.replace(waiting.move(ChunkState.LOST, lost_at=clock.now()))
    replay = world.app.commands._replay  # noqa: SLF001 - between row and state
    start_anew = replay._write_pending  # noqa: SLF001

    async def frozen(chunk: Chunk) -> Chunk:
        clock.forward(minutes=2)
        await world.app.sweep.run()
        assert [one async for one in world.gateways.worklist.due(clock.now() + timedelta(days=3))] == []
        return await start_anew(chunk)

    monkeypatch.setattr(replay, "_write_pending", frozen)
    await world.commands.replay(made["recordingId"], by="ada")
    await world.dropped()
    clock.forward(minutes=2)
    await world.app.sweep.run()
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
