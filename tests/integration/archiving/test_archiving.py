"""One chunk from claim to release, over real storage and a real TLS source: each test says what would be lost."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from shared.archiving.stored_files import name_of
from shared.contracts.jobs import ChunkJob
from shared.domain.files.checksums import Checksum, ChecksumKind
from shared.domain.files.payload import Payload
from shared.domain.states import ChunkState
from shared.errors import DestinationConflict, DestinationError
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
MIB = 1024 * KIB


async def check_released(world: World, made: dict[str, Any], number: int = 0) -> None:
    """Checks that the archive has the source's bytes, the catalogue has their digests, and the source is deleted."""
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


async def shown_chunk(world: World, made: dict[str, Any]) -> dict[str, Any]:
    """The chunk in the answer of the recording's route."""
    answer = await world.commands.get(made["recordingId"])
    chunk: dict[str, Any] = json.loads(answer.body)["chunks"][0]
    return chunk


@pytest.mark.parametrize("media_format", ["wav", "mp3", "mp4"])
@pytest.mark.storage("memory", "azurite")
async def test_a_small_chunk_is_copied_with_its_metadata_recorded_and_its_source_deleted(
    world: World, media_format: str
):
    made, job = await world.announced(size=64 * KIB, format=media_format)
    await world.app.archiving.handle(job)
    await check_released(world, made)
    chunk = await world.chunk(job)
    assert chunk.blob_name is not None
    assert chunk.blob_name.endswith(f".{media_format}")
    assert chunk.pending_at <= chunk.copying_at <= chunk.archived_at <= chunk.released_at  # type: ignore[operator]


@pytest.mark.parametrize("size", [MIB, MIB + 1, 3 * MIB, 5 * MIB + 17])
async def test_a_chunk_of_many_blocks_is_copied_correctly_at_every_block_border(make_world: MakeWorld, size: int):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=size, format="wav")
    await world.app.archiving.handle(job)
    await check_released(world, made)


async def test_a_source_that_serves_no_ranges_is_copied_as_one_stream(make_world: MakeWorld):
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=4 * MIB + 5, format="mp4")
    await world.fault("download", "ignoreRange", times=0, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    await check_released(world, made)


async def test_all_chunks_of_a_recording_are_archived(world: World):
    made, _ = await world.announced(size=20 * KIB, format="mp3", count=3)
    await world.drained()
    for number in range(3):
        await check_released(world, made, number)


async def test_a_format_that_the_event_omits_is_recognized_from_the_file(world: World):
    made = await world.document(size=20 * KIB, format="mp3", omitTypes=True)
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made))
    await check_released(world, made)
    assert str((await world.chunk(world.job(made))).blob_name).endswith(".mp3")


@pytest.mark.storage("memory", "azurite")
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


@pytest.mark.storage("memory", "azurite")
async def test_of_many_concurrent_jobs_for_one_chunk_only_one_copies_it(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=5)
    made, job = await world.announced(size=300 * KIB, format="wav")
    await asyncio.gather(*(world.app.archiving.handle(job) for _ in range(8)))
    await check_released(world, made)
    assert len(await world.blobs()) == 2
    assert (await world.source(made))["downloads"] == 1


async def test_delete_source_false_keeps_the_source_also_when_the_job_is_repeated(make_world: MakeWorld):
    world = await make_world(DELETE_SOURCE="false")
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.app.archiving.handle(job)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    assert (await world.source(made))["deletedAt"] is None


async def test_a_redirect_to_another_acs_host_is_followed_and_signed_again(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav", redirects=True)
    await world.app.archiving.handle(job)
    await check_released(world, made)
    document_id = made["chunks"][0]["documentId"]
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    hosts = {request["host"] for request in requests if request["method"] == "GET"}
    assert len(hosts) > 1, "the simulator must have redirected"
    assert all(request["hadAuthorization"] for request in requests)


@pytest.mark.parametrize("operation", ["download", "metadata"])
async def test_a_redirect_off_the_allow_list_is_not_followed(world: World, operation: str):
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


async def test_a_redirect_loop_is_stopped(world: World):
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
async def test_a_temporary_fault_is_retried_until_the_chunk_is_archived(
    world: World, operation: str, kind: str, more: dict[str, Any], reason: str
):
    await world.document(size=20 * KIB, format="wav")  # another document, whose metadata a faulty service may serve
    made, job = await world.announced(size=40 * KIB, format="wav")
    assert await world.take_job() == job
    await world.fault(operation, kind, documentId=made["chunks"][0]["documentId"], **more)
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.reason, waiting.fault) == (ChunkState.PENDING, reason, "source")
    assert waiting.next_attempt_at is not None
    assert (await world.source(made))["deletedAt"] is None
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)
    assert (await world.chunk(job)).reason is None


async def test_the_media_are_archived_although_the_metadata_fail(world: World):
    made, job = await world.announced(size=40 * KIB, format="wav")
    await world.fault("metadata", "serverError", status=500, times=2, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    stored = [hashlib.sha256(body).hexdigest() for body in (await world.blobs()).values()]
    assert stored == [made["chunks"][0]["sha256"]]
    assert (await world.source(made))["deletedAt"] is None
    await world.drained()
    await check_released(world, made)
    assert (await world.source(made))["downloads"] == 1, "an archived file is not copied again"


async def test_a_file_of_another_format_than_announced_is_archived_in_its_real_format(world: World):
    """If it were refused, it would stay in ACS until ACS deletes it."""
    made = await world.document(size=20 * KIB, format="wav")
    made["event"]["data"]["recordingFormatType"] = "Mp4"
    await world.app.intake.receive(made["event"])
    await world.drained()
    await check_released(world, made)
    assert str((await world.chunk(world.job(made))).blob_name).endswith(".wav")


async def test_another_file_with_the_chunk_s_name_is_never_overwritten_and_the_source_is_kept(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, name).upload_blob(b"other")
    await world.app.archiving.handle(job)
    failed = await world.chunk(job)
    assert (failed.state, failed.fault, failed.reason) == (ChunkState.FAILED, "destination", "storage-conflict")
    assert (await world.blobs())[name] == b"other"
    assert (await world.source(made))["deletedAt"] is None


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
    await check_released(world, made)
    assert (await world.chunk(job)).attempts == 1


async def test_a_running_copy_reports_its_progress_with_each_renewal_until_it_ends(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=1, BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
    made, job = await world.announced(size=4 * MIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=2 * MIB, times=0, documentId=made["chunks"][0]["documentId"])
    copying = asyncio.create_task(world.app.archiving.handle(job))
    seen: list[tuple[int, int]] = []
    while not copying.done():
        shown = await shown_chunk(world, made)
        if shown["copied"] is not None and (shown["copied"], shown["expected"]) not in seen:
            seen.append((shown["copied"], shown["expected"]))
    await copying
    assert seen, "its lease is renewed three times a second, with the progress"
    assert seen == sorted(seen)
    assert {expected for _, expected in seen} == {made["chunks"][0]["size"]}
    assert all(0 <= copied <= expected for copied, expected in seen)
    shown = await shown_chunk(world, made)
    assert (shown["state"], shown["copied"], shown["expected"]) == ("released", None, None)


async def test_a_worker_that_lost_its_lease_changes_nothing(make_world: MakeWorld):
    world = await make_world(LEASE_SECONDS=60)
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=100 * KIB, documentId=made["chunks"][0]["documentId"])
    late = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    await world.writers.chunks.replace(claimed.evolve(owner="another", lease_until=claimed.copying_at))
    await world.app.archiving.handle(job)
    await check_released(world, made)
    released = await world.chunk(job)
    await late
    assert await world.chunk(job) == released
    assert len(await world.blobs()) == 2


async def test_a_job_for_an_unknown_chunk_is_ignored(world: World):
    made = await world.document(size=20 * KIB, format="wav")
    await world.app.archiving.handle(world.job(made))
    assert await world.queued() == 0


async def test_a_failed_delete_is_retried(world: World):
    made, _ = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "throttle", times=2, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    await check_released(world, made)


@pytest.mark.storage("memory", "azurite")
async def test_an_interrupted_copy_continues_from_the_staged_blocks(make_world: MakeWorld):
    """A file of gigabytes that starts from zero after each fault may never be complete before its deadline."""
    world = await make_world(BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=2)
    made, job = await world.announced(size=12 * MIB + 3, format="wav")
    assert await world.take_job() == job
    document_id = made["chunks"][0]["documentId"]
    await world.fault("download", "serverError", status=500, skip=8, documentId=document_id)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.PENDING
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)
    requests = await world.acs("GET", f"/requests?documentId={document_id}")
    ranges = [request["range"] for request in requests if request["operation"] == "download"]
    again = {one for one in ranges if ranges.count(one) > 1}
    assert len(again) <= 5, (
        "only the first block, for comparison, and blocks in flight, twice RANGES_IN_FLIGHT, are read again"
    )
    (blob,) = [body for name, body in (await world.blobs()).items() if name.endswith(".wav")]
    assert hashlib.sha256(blob).hexdigest() == made["chunks"][0]["sha256"]


async def test_blocks_of_another_version_of_the_source_are_not_reused(make_world: MakeWorld):
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
    index, run, version, digest = staged.id.split("-", 3)
    for other in ("0" * 8, version):  # blocks of another version of the source, and two blocks with the same index
        await blob.stage_block(f"00003-{run}-{other}-{digest}", b"\0" * MIB)
        await blob.stage_block(f"00003-{run}-{other}-{'A' * 43}", b"\1" * MIB)
    assert index < "00003"
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)


async def test_a_replaced_block_is_detected_before_the_source_is_deleted(make_world: MakeWorld):
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
    assert (await world.source(made))["deletedAt"] is None, "the archive's bytes differ from the source's"


async def test_a_file_that_a_dead_worker_committed_is_read_back_by_the_next_worker(
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
    await world.writers.chunks.replace(done.evolve(state=ChunkState.PENDING, sha256=None, next_attempt_at=None))
    await world.app.archiving.handle(job)
    await check_released(world, made)
    assert (await blob.get_blob_properties()).metadata["sha256"] == made["chunks"][0]["sha256"]


@pytest.mark.parametrize("kind", list(ChecksumKind))
async def test_blob_storage_refuses_a_block_that_doesn_t_match_its_checksum(world: World, kind: ChecksumKind):
    file = world.gateways.archive.file("corrupt.wav", content_type="audio/wav", properties={})
    sent, checksum = Payload.of(b"other bytes"), Checksum.of(Payload.of(b"bytes"), kind)
    with pytest.raises(DestinationError):
        await file.stage("00000-00000-00000000-" + "a" * 43, sent, checksum=checksum)
    with pytest.raises(DestinationError):
        await file.put(sent, checksum=checksum, sha256="0" * 64)
    assert await world.blobs() == {}


async def test_a_file_shorter_than_its_recorded_size_never_counts_as_archived(make_world: MakeWorld):
    """An incomplete commit whose check never ran must not count as the file of an earlier attempt."""
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=3 * MIB, format="wav")
    chunk = await world.chunk(job)
    name = f"{chunk.started_at:%Y/%m/%d}/{chunk.recording_key}/0000-{chunk.document_id}.wav"
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    kept = {"documentid": chunk.document_id, "sha256": made["chunks"][0]["sha256"], "size": str(3 * MIB)}
    await blob.upload_blob(b"RIFF" + b"\0" * MIB, metadata=kept)
    await world.writers.chunks.replace(chunk.evolve(attempts=1))
    await world.app.archiving.handle(job)
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "storage-conflict")
    assert (await world.source(made))["deletedAt"] is None


async def test_of_two_files_committed_under_one_name_the_first_stays_and_the_second_fails(world: World):
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


async def test_the_source_is_deleted_after_archived_is_written_and_before_released_is_written(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "delayAnswer", seconds=1, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    while (await world.chunk(job)).state is not ChunkState.ARCHIVED:
        assert (await world.source(made))["deletedAt"] is None
    assert (await world.chunk(job)).state is ChunkState.ARCHIVED
    await working
    await check_released(world, made)


async def test_a_chunk_whose_source_is_already_deleted_is_released(world: World):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("delete", "serverError", status=500, applied=True, documentId=made["chunks"][0]["documentId"])
    await world.drained()
    await check_released(world, made)
    assert (await world.chunk(job)).reason is None


async def test_an_unexpected_exception_is_retried_and_counts_as_an_attempt(make_world: MakeWorld, world: World):
    few = await make_world(like=world, MAX_ATTEMPTS=2)
    _, job = await few.announced(size=20 * KIB, format="wav")
    few.app.archiving._copier.attempt = _broken  # type: ignore[method-assign]  # noqa: SLF001 - a defect of ours
    await few.drained()
    chunk = await few.chunk(job)
    assert (chunk.state, chunk.reason, chunk.attempts) == (ChunkState.FAILED, "unforeseen", 2)


async def _broken(lease: Any, **_: bool) -> Any:
    raise ZeroDivisionError(lease)


async def test_a_chunk_that_kills_its_worker_each_time_fails_after_its_attempts(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock, MAX_ATTEMPTS=3)
    _, job = await world.announced(size=20 * KIB, format="wav")
    for _ in range(3):
        assert await world.app.archiving._claim(await world.chunk(job)) is not None  # noqa: SLF001 - the worker crashes here
        clock.forward(seconds=61)
    await world.app.archiving.handle(job)
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "out-of-attempts")


async def test_a_lease_renewal_whose_answer_is_lost_does_no_harm(world: World):
    made, job = await world.announced(size=300 * KIB, format="wav")
    await world.fault("download", "slow", bytesPerSecond=200 * KIB, documentId=made["chunks"][0]["documentId"])
    working = asyncio.create_task(world.app.archiving.handle(job))
    claimed = await world.chunk(job)
    while claimed.state is not ChunkState.COPYING:
        claimed = await world.chunk(job)
    await world.writers.chunks.replace(claimed.evolve(lease_until=claimed.deadline))
    await working
    await check_released(world, made)
    assert (await world.source(made))["downloads"] == 1


async def foreign_file(world: World, job: ChunkJob, ending: str) -> str:
    """Stores a foreign file under a name of the chunk."""
    name = name_of(await world.chunk(job), ending)
    await world.app.clients.archive.get_blob_client(world.settings.archive_container, name).upload_blob(b"other")
    return name


@pytest.mark.parametrize("announced", ["Wav", None, "Mp4"])
async def test_a_foreign_file_of_another_format_does_not_stop_the_archiving(world: World, announced: str | None):
    """The name for the chunk's real format is free. The foreign file stays unchanged."""
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


async def test_a_conflict_names_the_foreign_file_and_the_chunk_is_archived_once_it_is_moved(
    world: World,
):
    made, job = await world.announced(size=20 * KIB, format="wav")
    foreign = await foreign_file(world, job, "wav")
    await world.drained()
    for _ in range(2):  # the second attempt checks the archive first, and doesn't read the whole source
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
