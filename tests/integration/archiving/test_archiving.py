"""One chunk from claim to release, over real storage and a real TLS source: each test says what would be lost."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from shared.archiving.stored_files import name_of
from shared.contracts.jobs import ChunkJob
from shared.domain.checksums import Checksum, ChecksumKind
from shared.domain.payload import Payload
from shared.domain.states import ChunkState
from shared.errors import DestinationConflict, DestinationError
from tests.integration.conftest import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
MIB = 1024 * KIB


async def archived_whole(world: World, made: dict[str, Any], number: int = 0) -> None:
    """The archive holds the source's bytes, the catalogue says so, and the source is gone."""
    chunk = await world.chunk(world.job(made, number))
    original = made["chunks"][number]
    blobs = await world.blobs()
    assert chunk.state is ChunkState.RELEASED
    assert chunk.blob_name is not None
    assert chunk.metadata_blob_name is not None
    assert (chunk.size, chunk.sha256) == (original["size"], original["sha256"])
    assert (chunk.metadata_size, chunk.metadata_sha256) == (original["metadataSize"], original["metadataSha256"])
    assert hashlib.sha256(blobs[chunk.blob_name]).hexdigest() == original["sha256"]
    assert hashlib.sha256(blobs[chunk.metadata_blob_name]).hexdigest() == original["metadataSha256"]
    assert (await world.source(made, number))["deletedAt"] is not None


async def chunk_told(world: World, made: dict[str, Any]) -> dict[str, Any]:
    """As the recording's own answer shows it."""
    answer = await world.commands.get(made["recordingId"])
    chunk: dict[str, Any] = json.loads(answer.body)["chunks"][0]
    return chunk


@pytest.mark.parametrize("media_format", ["wav", "mp3", "mp4"])
async def test_a_small_chunk_is_copied_with_its_metadata_recorded_and_its_source_deleted(
    world: World, media_format: str
):
    made, job = await world.announced(size=64 * KIB, format=media_format)
    await world.app.archiving.handle(job)
    await archived_whole(world, made)
    chunk = await world.chunk(job)
    assert chunk.blob_name is not None
    assert chunk.blob_name.endswith(f".{media_format}")
    assert chunk.pending_at <= chunk.copying_at <= chunk.archived_at <= chunk.released_at  # type: ignore[operator]


@pytest.mark.parametrize("size", [MIB, MIB + 1, 3 * MIB, 5 * MIB + 17])
async def test_a_chunk_of_many_blocks_is_the_same_at_every_border(make_world: MakeWorld, size: int):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=size, format="wav")
    await world.app.archiving.handle(job)
    await archived_whole(world, made)


async def test_a_source_that_serves_no_ranges_is_copied_as_one_stream(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=4 * MIB + 5, format="mp4")
    await world.fault("download", "ignoreRange", times=0, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await archived_whole(world, made)


async def test_all_chunks_of_a_recording_are_archived(world: World):
    made, _ = await world.announced(size=20 * KIB, format="mp3", count=3)
    await world.drained()
    for number in range(3):
        await archived_whole(world, made, number)


async def test_a_format_that_the_event_doesn_t_tell_is_read_off_the_file(world: World):
    made = await world.document(size=20 * KIB, format="mp3", omitTypes=True)
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made))
    await archived_whole(world, made)
    assert str((await world.chunk(world.job(made))).blob_name).endswith(".mp3")


async def test_a_repeated_job_changes_nothing(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.app.archiving.handle(job)
    before, blobs = await world.chunk(job), await world.blobs()
    for _ in range(3):
        await world.app.archiving.handle(job)
    after = await world.chunk(job)
    assert (after, after.etag) == (before, before.etag)
    assert await world.blobs() == blobs
    assert (await world.source(made))["downloads"] == 1


async def test_of_many_jobs_at_once_for_one_chunk_one_copies_it(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=5)
    made, job = await world.announced(size=300 * KIB, format="wav")
    await asyncio.gather(*(world.app.archiving.handle(job) for _ in range(8)))
    await archived_whole(world, made)
    assert len(await world.blobs()) == 2
    assert (await world.source(made))["downloads"] == 1


async def test_delete_source_false_keeps_the_source_and_a_repeated_job_too(make_world: MakeWorld):
    world = await make_world(DELETE_SOURCE="false")
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    assert (await world.source(made))["deletedAt"] is None


async def test_a_redirect_to_another_host_of_acs_is_followed_with_a_signature_of_its_own(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav", redirects=True)
    await world.app.archiving.handle(job)
    await archived_whole(world, made)
    document_id = made["chunks"][0]["documentId"]
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    hosts = {request["host"] for request in requests if request["method"] == "GET"}
    assert len(hosts) > 1, "the simulator must have redirected"
    assert all(request["hadAuthorization"] for request in requests)


@pytest.mark.parametrize("operation", ["download", "metadata"])
async def test_a_redirect_off_the_allow_list_gets_no_request_at_all(world: World, operation: str):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault(operation, "redirect", host="media.example.net", documentId=made["chunks"][0]["documentId"])
    before = await world.acs("GET", "/requests?host=media.example.net")
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason) == (ChunkState.FAILED, "source-not-allowed")
    assert await world.acs("GET", "/requests?host=media.example.net") == before
    assert (await world.source(made))["deletedAt"] is None


@pytest.mark.parametrize(
    "host", ["media.example.net", "storage.asm.skype.com.example.net", "storage.asm.skype.com@media.example.net"]
)
async def test_a_forged_event_can_t_make_us_send_credentials_elsewhere(world: World, host: str):
    made = await world.document(size=20 * KIB, format="wav")
    announced = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"][0]
    for name in ("contentLocation", "metadataLocation", "deleteLocation"):
        announced[name] = announced[name].replace("storage.asm.skype.com", host).replace("us-", "")
    before = await world.acs("GET", "/requests")
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made))
    assert (await world.chunk(world.job(made))).reason == "source-not-allowed"
    assert await world.acs("GET", "/requests") == before


async def test_a_redirect_that_never_ends_is_given_up(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("download", "redirect", loop=True, times=0, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).reason == "acs-garbled"


@pytest.mark.parametrize(
    ("operation", "kind", "more", "reason"),
    [
        ("download", "throttle", {"retryAfter": 1}, "acs-throttled"),
        ("download", "serverError", {"status": 503}, "acs-unavailable"),
        ("download", "html", {}, "acs-garbled"),
        ("download", "htmlBody", {}, "source-unproven"),
        ("download", "unauthorized", {}, "acs-credential-refused"),
        ("download", "short", {}, "source-incomplete"),
        ("download", "reset", {"bytes": 1000}, "source-incomplete"),
        ("download", "empty", {}, "source-incomplete"),
        ("metadata", "serverError", {"status": 500}, "acs-unavailable"),
        ("metadata", "short", {}, "source-incomplete"),
        ("metadata", "htmlBody", {}, "source-unproven"),
        ("metadata", "swapMetadata", {}, "source-unproven"),
    ],
)
async def test_what_passes_is_waited_out_and_then_the_chunk_is_archived(
    world: World, operation: str, kind: str, more: dict[str, Any], reason: str
):
    await world.document(size=20 * KIB, format="wav")  # whose metadata a confused service might serve
    made, job = await world.announced(size=40 * KIB, format="wav")
    assert await world.take_job() == job
    await world.fault(operation, kind, documentId=made["chunks"][0]["documentId"], **more)
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.reason, waiting.fault) == (ChunkState.PENDING, reason, "source")
    assert waiting.next_attempt_at is not None
    assert (await world.source(made))["deletedAt"] is None
    await world.app.archiving.handle(await world.take_job())
    await archived_whole(world, made)
    assert (await world.chunk(job)).reason is None


async def test_broken_metadata_don_t_cost_the_media(world: World):
    made, job = await world.announced(size=40 * KIB, format="wav")
    await world.fault("metadata", "serverError", status=500, times=2, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    stored = [hashlib.sha256(body).hexdigest() for body in (await world.blobs()).values()]
    assert stored == [made["chunks"][0]["sha256"]]
    assert (await world.source(made))["deletedAt"] is None
    await world.drained()
    await archived_whole(world, made)
    assert (await world.source(made))["downloads"] == 1, "what stands in the archive is not copied again"


async def test_a_file_of_another_format_than_announced_is_archived_as_what_it_is(world: World):
    """Refusing it would keep it in ACS until ACS destroys it."""
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["data"]["recordingFormatType"] = "Mp4"
    await world.app.intake.receive(made["event"])
    await world.drained()
    await archived_whole(world, made)
    assert str((await world.chunk(world.job(made))).blob_name).endswith(".wav")


async def test_another_file_under_the_chunk_s_name_is_never_overwritten_nor_the_source_deleted(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, name).upload_blob(b"other")
    await world.app.archiving.handle(job)
    failed = await world.chunk(job)
    assert (failed.state, failed.fault, failed.reason) == (ChunkState.FAILED, "destination", "storage-conflict")
    assert (await world.blobs())[name] == b"other"
    assert (await world.source(made))["deletedAt"] is None


async def test_a_dead_worker_s_chunk_is_taken_over_when_its_lease_ends(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock, LEASE_SECONDS=60)
    made, job = await world.announced(size=20 * KIB, format="wav")
    assert await world.take_job() == job
    dead = await world.app.archiving._claim(await world.chunk(job))  # noqa: SLF001 - a worker that dies right here
    assert dead is not None
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.COPYING, "a live lease is respected"
    assert await world.queued() == 1, "the job comes again when the lease ends"
    clock.forward(seconds=61)
    await world.app.archiving.handle(job)
    await archived_whole(world, made)
    assert (await world.chunk(job)).attempts == 2


async def test_a_slow_copy_keeps_its_lease(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=1)
    made, job = await world.announced(size=300 * KIB, format="wav")
    assert await world.take_job() == job
    await world.fault("download", "slow", bytesPerSecond=100 * KIB, documentId=made["chunks"][0]["documentId"])
    slow = asyncio.create_task(world.app.archiving.handle(job))
    while (await world.chunk(job)).state is not ChunkState.COPYING:
        pass
    while not slow.done():
        await world.app.archiving.handle(job)
    await slow
    await archived_whole(world, made)
    assert (await world.chunk(job)).attempts == 1


async def test_a_running_copy_tells_how_far_it_is_with_its_lease_and_forgets_it_at_its_end(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=1, BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=2 * MIB, times=0, documentId=made["chunks"][0]["documentId"])
    copying = asyncio.create_task(world.app.archiving.handle(job))
    seen: list[tuple[int, int]] = []
    while not copying.done():
        told = await chunk_told(world, made)
        if told["copied"] is not None and (told["copied"], told["expected"]) not in seen:
            seen.append((told["copied"], told["expected"]))
    await copying
    assert seen, "its lease was renewed three times in a second"
    assert seen == sorted(seen)
    assert {expected for _, expected in seen} == {made["chunks"][0]["size"]}
    assert all(0 <= copied <= expected for copied, expected in seen)
    told = await chunk_told(world, made)
    assert (told["state"], told["copied"], told["expected"]) == ("released", None, None)


async def test_a_worker_that_was_overtaken_changes_nothing_any_more(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=60)
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=100 * KIB, documentId=made["chunks"][0]["documentId"])
    late = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    await world.books.chunks.replace(claimed.evolve(owner="another", lease_until=claimed.copying_at))
    await world.app.archiving.handle(job)
    await archived_whole(world, made)
    released = await world.chunk(job)
    await late
    assert await world.chunk(job) == released
    assert len(await world.blobs()) == 2


async def test_a_job_for_an_unknown_chunk_ends_quietly(world: World):
    made = await world.document(size=20 * KIB, format="wav")
    await world.app.archiving.handle(world.job(made))
    assert await world.queued() == 0


async def test_a_delete_that_fails_is_tried_again(world: World):
    made, _ = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "throttle", times=2, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    await archived_whole(world, made)


async def test_a_copy_that_broke_off_goes_on_from_the_blocks_already_staged(make_world: MakeWorld):
    """A file of gigabytes that starts from zero after each fault may never be whole before its deadline."""
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=2)
    made, job = await world.announced(size=12 * MIB + 3, format="wav")
    assert await world.take_job() == job
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=500, skip=8, documentId=document_id)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.PENDING
    await world.app.archiving.handle(await world.take_job())
    await archived_whole(world, made)
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    ranges = [request["range"] for request in requests if request["operation"] == "download"]
    again = {one for one in ranges if ranges.count(one) > 1}
    assert len(again) <= 5, (
        "the first block is read again to compare it, and what was in flight: twice RANGES_IN_FLIGHT"
    )
    (blob,) = [body for name, body in (await world.blobs()).items() if name.endswith(".wav")]
    assert hashlib.sha256(blob).hexdigest() == made["chunks"][0]["sha256"]


async def test_blocks_that_may_be_of_another_version_of_the_source_are_not_used(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    assert await world.take_job() == job
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=500, skip=3, documentId=document_id)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    (staged, *_) = (await blob.get_block_list("uncommitted"))[1]
    place, run, version, digest = staged.id.split("-", 3)
    for other in ("0" * 8, version):  # of another version of the source, and of this one but for a place twice claimed
        await blob.stage_block(f"00003-{run}-{other}-{digest}", b"\0" * MIB)
        await blob.stage_block(f"00003-{run}-{other}-{'A' * 43}", b"\1" * MIB)
    assert place < "00003"
    await world.app.archiving.handle(await world.take_job())
    await archived_whole(world, made)


async def test_a_staged_block_that_someone_exchanged_is_found_out_before_the_source_is_deleted(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    assert await world.take_job() == job
    await world.fault("download", "serverError", status=500, skip=3, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    staged = (await blob.get_block_list("uncommitted"))[1]
    await blob.stage_block(staged[-1].id, b"\0" * MIB)
    await world.app.archiving.handle(await world.take_job())
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason, chunk.fault) == (ChunkState.FAILED, "storage-conflict", "destination")
    assert (await world.source(made))["deletedAt"] is None, "what the archive holds isn't what the source gave"


async def test_a_file_committed_by_a_worker_that_died_before_reading_it_back_is_read_back_by_the_next(
    make_world: MakeWorld,
):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=3 * MIB, format="wav")
    await world.fault("delete", "serverError", status=500, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    done = await world.chunk(job)
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, str(done.blob_name))
    properties = await blob.get_blob_properties()
    await blob.set_blob_metadata({name: value for name, value in properties.metadata.items() if name != "sha256"})
    await world.books.chunks.replace(done.evolve(state=ChunkState.PENDING, sha256=None, next_attempt_at=None))
    await world.app.archiving.handle(job)
    await archived_whole(world, made)
    assert (await blob.get_blob_properties()).metadata["sha256"] == made["chunks"][0]["sha256"]


@pytest.mark.parametrize("kind", list(ChecksumKind))
async def test_a_block_that_did_not_arrive_as_it_was_sent_is_refused_by_the_service(world: World, kind: ChecksumKind):
    file = world.gateways.archive.file("corrupt.wav", content_type="audio/wav", properties={})
    sent, checksum = Payload.of(b"other bytes"), Checksum.of(Payload.of(b"bytes"), kind)
    with pytest.raises(DestinationError):
        await file.stage("00000-00000-00000000-" + "a" * 43, sent, checksum=checksum)
    with pytest.raises(DestinationError):
        await file.put(sent, checksum=checksum, sha256="0" * 64)
    assert await world.blobs() == {}


async def test_a_file_that_isn_t_as_long_as_its_writer_meant_is_never_taken_for_the_chunk_s(make_world: MakeWorld):
    """A commit that went wrong, and whose check came too late, must not pass as the work of an earlier attempt."""
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=3 * MIB, format="wav")
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    kept = {"documentid": chunk.document_id, "sha256": made["chunks"][0]["sha256"], "size": str(3 * MIB)}
    await blob.upload_blob(b"RIFF" + b"\0" * MIB, metadata=kept)
    await world.books.chunks.replace(chunk.evolve(attempts=1))
    await world.app.archiving.handle(job)
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "storage-conflict")
    assert (await world.source(made))["deletedAt"] is None


async def test_of_two_files_committed_under_one_name_the_first_stands_and_the_second_is_told(world: World):
    one, two = (
        world.gateways.archive.file("twice.wav", content_type="audio/wav", properties={"documentid": document_id})
        for document_id in "ab"
    )
    for file, digit, data in ((one, "a", b"first"), (two, "b", b"other")):
        sent = Payload.of(data)
        await file.stage(f"00000-00000-00000000-{digit * 43}", sent, checksum=Checksum.of(sent, ChecksumKind.CRC64))
        if file is one:
            await file.commit([f"00000-00000-00000000-{digit * 43}"], size=5, sha256="1" * 64)
    with pytest.raises(DestinationConflict):
        await two.commit(["00000-00000000-" + "b" * 43], size=5, sha256="2" * 64)
    assert (await world.blobs())["twice.wav"] == b"first"


async def test_the_source_is_deleted_after_archived_is_recorded_and_before_released_is(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "delayAnswer", seconds=1, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    while (await world.chunk(job)).state is not ChunkState.ARCHIVED:
        assert (await world.source(made))["deletedAt"] is None
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    await working
    await archived_whole(world, made)


async def test_a_source_that_someone_else_deleted_is_released(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "serverError", status=500, applied=True, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    await archived_whole(world, made)
    assert (await world.chunk(job)).reason is None


async def test_a_fault_that_nobody_foresaw_is_tried_again_and_counted(make_world: MakeWorld, world: World):
    few = await make_world(like=world, MAX_ATTEMPTS=2)
    _, job = await few.announced(size=20 * KIB, format="wav")
    few.app.archiving._copying.secure = _broken  # type: ignore[method-assign]  # noqa: SLF001 - a defect of ours
    await few.drained()
    chunk = await few.chunk(job)
    assert (chunk.state, chunk.reason, chunk.attempts) == (ChunkState.FAILED, "unforeseen", 2)


async def _broken(lease: Any, **_: bool) -> Any:
    raise ZeroDivisionError(lease)


async def test_a_chunk_that_ends_its_worker_each_time_runs_out_of_attempts(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock, MAX_ATTEMPTS=3)
    _, job = await world.announced(size=20 * KIB, format="wav")
    for _ in range(3):
        assert await world.app.archiving._claim(await world.chunk(job)) is not None  # noqa: SLF001 - and there it dies
        clock.forward(seconds=61)
    await world.app.archiving.handle(job)
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "out-of-attempts")


async def test_a_renewal_that_arrived_and_whose_answer_did_not_costs_nothing(world: World):
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=200 * KIB, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    await world.books.chunks.replace(claimed.evolve(lease_until=claimed.deadline))
    await working
    await archived_whole(world, made)
    assert (await world.source(made))["downloads"] == 1


async def foreign_file(world: World, job: ChunkJob, ending: str) -> str:
    """Somebody's file, with what a name of the chunk begins with."""
    name = name_of(await world.chunk(job), ending)
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, name).upload_blob(b"other")
    return name


@pytest.mark.parametrize("announced", ["Wav", None, "Mp4"])
async def test_a_foreign_file_of_another_format_does_not_keep_the_chunk_out_of_the_archive(
    world: World, announced: str | None
):
    """The chunk's own name is free, whatever format its event announced; the foreign file stays as it is."""
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["data"]["recordingFormatType"] = announced
    await world.app.intake.receive(made["event"])
    job = world.job(made)
    foreign = await foreign_file(world, job, "mp4")
    await world.fault("download", "serverError", status=503, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.attempts, chunk.blob_name) == (ChunkState.RELEASED, 2, name_of(chunk, "wav"))
    blobs = await world.blobs()
    assert blobs.pop(foreign) == b"other"
    assert set(blobs) == {chunk.blob_name, chunk.metadata_blob_name}


async def test_a_file_under_the_chunk_s_name_is_named_by_the_failure_and_once_it_is_moved_the_chunk_is_archived(
    world: World,
):
    made, job = await world.announced(size=20 * KIB, format="wav")
    foreign = await foreign_file(world, job, "wav")
    await world.drained()
    for _ in range(2):  # the second attempt asks the archive first, and doesn't read the source to its end
        failed = await world.chunk(job)
        assert (failed.state, failed.reason) == (ChunkState.FAILED, "storage-conflict")
        assert foreign in str(failed.detail)
        assert failed.blob_name is None
        await world.commands.replay(made["recordingId"], by="ada")
        await world.drained()
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, foreign).delete_blob()
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    assert (await world.chunk(job)).state is ChunkState.RELEASED
