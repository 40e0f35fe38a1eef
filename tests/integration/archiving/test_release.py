"""A source is deleted only if the archive has its files, they are recorded, and the delete location names it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from local.stack import Azurite
from shared.archiving.release import Step
from shared.contracts.jobs import ChunkJob
from shared.domain.states import ChunkState
from tests.integration.archiving.checks import check_released
from tests.integration.storagefront import StorageFront, through
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIB = 1024
MIB = 1024 * KIB


async def not_deleted_yet(world: World, **order: Any) -> tuple[dict[str, Any], ChunkJob]:
    """A chunk whose files are archived, but whose source could not be deleted."""
    made, job = await world.announced(**({"size": 20 * KIB, "format": "wav"} | order))
    await world.take_job()
    await world.fault("delete", "serverError", status=500, documentId=made["chunks"][0]["documentId"])
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason) == (ChunkState.ARCHIVED, "acs-unavailable")
    return made, job


@pytest.mark.storage("memory", "azurite")
async def test_the_archive_is_checked_again_before_a_late_delete(world: World):
    """Someone may have emptied the container after the chunk was archived. Then the source is the only copy."""
    made, job = await not_deleted_yet(world)
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await container.delete_blob(str((await world.chunk(job)).blob_name))
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)
    assert (await world.source(made))["downloads"] == 2


async def test_a_chunk_whose_file_and_source_are_gone_is_retried_until_it_is_lost(
    make_world: MakeWorld, clock: MovableClock
):
    world = await make_world(clock=clock)
    made, job = await not_deleted_yet(world)
    before = await world.chunk(job)
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await container.delete_blob(str(before.blob_name))
    await world.acs("POST", f"/documents/{made['chunks'][0]['documentId']}/expire")
    clock.forward(hours=25)
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.reason, waiting.blob_name, waiting.sha256) == (
        ChunkState.PENDING,
        "source-gone",
        None,
        None,
    )
    assert waiting.metadata_blob_name == before.metadata_blob_name
    assert len(await world.worklist()) == 1
    while (chunk := await world.chunk(job)).state is ChunkState.PENDING:
        assert chunk.next_attempt_at is not None
        clock.forward(seconds=max((chunk.next_attempt_at - clock.now()).total_seconds(), 0))
        await world.app.archiving.handle(job)
    assert (chunk.state, chunk.blob_name) == (ChunkState.LOST, None)


async def test_a_missing_file_is_removed_from_the_row_when_the_chunk_is_queued_again(world: World):
    _, job = await not_deleted_yet(world)
    before = await world.chunk(job)
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await container.delete_blob(str(before.blob_name))
    step = await world.app.archiving._release.release(before)  # noqa: SLF001 - the step before the next claim
    assert step is Step.READ_AGAIN
    waiting = await world.chunk(job)
    assert (waiting.state, waiting.blob_name, waiting.sha256) == (ChunkState.PENDING, None, None)
    assert waiting.metadata_sha256 == before.metadata_sha256


@pytest.mark.storage("memory", "azurite")
async def test_a_delete_is_logged_although_the_chunk_changed_meanwhile(
    world: World, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    made, job = await not_deleted_yet(world)
    chunk = await world.chunk(job)
    await world.writers.chunks.replace(chunk.evolve(escalated=1))
    step = await world.app.archiving._release.release(chunk, checked_at=clock.now())  # noqa: SLF001 - no earlier check
    assert step is Step.READ_AGAIN
    assert "source deleted, chunk changed meanwhile" in caplog.text
    await world.app.archiving.handle(job)
    await check_released(world, made)


async def test_a_replaced_file_does_not_count_as_archived_and_the_source_is_kept(world: World):
    made, job = await not_deleted_yet(world)
    chunk = await world.chunk(job)
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, str(chunk.blob_name))
    other = b"RIFF" + bytes(20 * KIB)
    kept = {"documentid": chunk.document_id, "sha256": "0" * 64, "size": str(len(other))}
    await blob.upload_blob(other, overwrite=True, metadata=kept)
    await world.app.archiving.handle(await world.take_job())
    failed = await world.chunk(job)
    assert (failed.state, failed.reason) == (ChunkState.FAILED, "storage-conflict")
    await world.commands.replay(made["recordingId"], by="ada")
    await world.drained()
    again = await world.chunk(job)
    assert (again.state, again.sha256) == (ChunkState.FAILED, made["chunks"][0]["sha256"])
    assert (await world.source(made))["deletedAt"] is None


@pytest.mark.storage("memory", "azurite")
async def test_a_file_without_a_digest_is_read_before_its_source_is_deleted(
    world: World, caplog: pytest.LogCaptureFixture
):
    made, job = await not_deleted_yet(world)
    blob = world.app.clients.archive.get_blob_client(
        world.settings.archive_container, str((await world.chunk(job)).blob_name)
    )
    properties = (await blob.get_blob_properties()).metadata
    await blob.set_blob_metadata({name: value for name, value in properties.items() if name != "sha256"})
    await world.app.archiving.handle(await world.take_job())
    await check_released(world, made)
    assert (await world.source(made))["downloads"] == 1
    assert [one for one in caplog.records if one.levelno == logging.CRITICAL] == []


async def test_the_source_is_kept_if_a_file_without_a_digest_has_other_bytes(world: World):
    made, job = await not_deleted_yet(world)
    chunk = await world.chunk(job)
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, str(chunk.blob_name))
    kept = {"documentid": chunk.document_id, "size": str(chunk.size)}
    await blob.upload_blob(bytes(chunk.size or 0), overwrite=True, metadata=kept)
    await world.app.archiving.handle(await world.take_job())
    assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (ChunkState.FAILED, "storage-conflict")
    assert (await world.source(made))["deletedAt"] is None


@dataclass
class Freezer(StorageFront):
    """A proxy in front of the tables. Acts once `archived` is written and its writer has no answer yet."""

    then: Callable[[], Awaitable[None]] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        answer = await super().handle(request)
        if self.then is not None and b'"archived"' in body:
            then, self.then = self.then, None
            await then()
        return answer


@pytest_asyncio.fixture(loop_scope="session")
async def tables(azurite: Azurite) -> AsyncIterator[Freezer]:
    async with Freezer(URL(azurite.table_url).origin()).running() as front:
        assert isinstance(front, Freezer)
        yield front


@pytest.mark.storage("azurite")
@pytest.mark.parametrize("happens", ["file vanished", "row changed"])
async def test_a_worker_that_was_suspended_after_archived_checks_row_and_files_before_it_deletes(
    make_world: MakeWorld, azurite: Azurite, clock: MovableClock, tables: Freezer, happens: str
):
    plain = await make_world(clock=clock)
    world = await make_world(like=plain, clock=clock, AzureWebJobsStorage=through(azurite, tables))
    made, job = await world.announced(size=20 * KIB, format="wav")

    async def frozen() -> None:
        clock.forward(minutes=5)
        chunk = await plain.chunk(job)
        assert chunk.state is ChunkState.ARCHIVED
        assert (await world.source(made))["deletedAt"] is None
        if happens == "row changed":
            await plain.writers.chunks.replace(chunk.evolve(delete_location=None))
        else:
            container = plain.app.clients.archive.get_container_client(plain.settings.archive_container)
            await container.delete_blob(str(chunk.blob_name))

    tables.then = frozen
    await world.app.archiving.handle(job)
    if happens == "file vanished":
        await check_released(world, made)
        assert (await world.source(made))["downloads"] == 2
    else:
        assert ((await world.chunk(job)).state, (await world.chunk(job)).reason) == (
            ChunkState.ARCHIVED,
            "no-delete-location",
        )
        assert (await world.source(made))["deletedAt"] is None


async def test_a_delete_location_of_another_chunk_is_never_called(world: World, caplog: pytest.LogCaptureFixture):
    made = await world.document(size=20 * KIB, count=2)
    one, two = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]
    two["deleteLocation"] = one["deleteLocation"]
    await world.fault("download", "serverError", status=503, documentId=one["documentId"])
    await world.app.intake.receive(made["event"])
    await world.drained()
    await check_released(world, made, 0)
    chunk = await world.chunk(world.job(made, 1))
    assert (chunk.state, chunk.reason, chunk.fault) == (ChunkState.ARCHIVED, "locations-differ", "source")
    assert chunk.sha256 == made["chunks"][1]["sha256"]
    assert (await world.source(made, 1))["deletedAt"] is None
    assert [one.levelno for one in caplog.records if one.message.startswith("source kept")] == [logging.ERROR]
    assert await world.worklist() == [], "nothing is left to do"


async def test_media_of_another_document_are_stored_under_an_unverified_name(world: World):
    made = await world.document(size=20 * KIB, format="wav", count=2)
    one, two = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]
    right = two["contentLocation"]
    two["contentLocation"] = one["contentLocation"]
    job = world.job(made, 1)
    await world.app.intake.receive(made["event"])
    await world.fault("metadata", "serverError", status=503, documentId=two["documentId"])
    await world.app.archiving.handle(job)
    waiting = await world.chunk(job)
    assert waiting.state is ChunkState.PENDING
    assert str(waiting.blob_name).endswith(".unverified.wav")
    await world.writers.chunks.replace(waiting.evolve(content_location=right, next_attempt_at=None))
    await world.app.archiving.handle(job)
    await check_released(world, made, 1)


async def test_a_chunk_whose_content_location_names_another_document_keeps_its_source(world: World):
    made = await world.document(size=20 * KIB, format="wav", count=2)
    one, two = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]
    two["contentLocation"] = one["contentLocation"]
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made, 1))
    chunk = await world.chunk(world.job(made, 1))
    assert (chunk.state, chunk.reason) == (ChunkState.ARCHIVED, "locations-differ")
    assert chunk.unverified is not None
    assert (await world.source(made, 1))["deletedAt"] is None


async def test_metadata_of_another_document_are_not_stored_as_the_chunk_s(world: World):
    made = await world.document(size=20 * KIB, format="wav", count=2)
    one, two = made["event"]["data"]["recordingStorageInfo"]["recordingChunks"]
    two["metadataLocation"] = one["metadataLocation"]
    await world.app.intake.receive(made["event"])
    await world.app.archiving.handle(world.job(made, 1))
    chunk = await world.chunk(world.job(made, 1))
    assert (chunk.state, chunk.reason, chunk.metadata_blob_name) == (ChunkState.ARCHIVED, "locations-differ", None)
    assert chunk.sha256 == made["chunks"][1]["sha256"]
    assert (await world.source(made, 1))["deletedAt"] is None


async def test_a_chunk_without_a_delete_location_is_archived_with_this_reason(
    world: World, caplog: pytest.LogCaptureFixture
):
    made, job = await world.announced(size=20 * KIB)
    await world.writers.chunks.replace((await world.chunk(job)).evolve(delete_location=None))
    await world.drained()
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason) == (ChunkState.ARCHIVED, "no-delete-location")
    assert (await world.source(made))["deletedAt"] is None
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
    assert await world.worklist() == []


async def test_a_row_of_an_older_version_gets_the_reason_why_its_source_is_kept(world: World):
    made, job = await not_deleted_yet(world)
    chunk = await world.chunk(job)
    other = str(chunk.delete_location).replace(chunk.document_id, "0-weu-d1-" + "0" * 32)
    await world.writers.chunks.replace(chunk.evolve(delete_location=other, next_attempt_at=None))
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).reason == "locations-differ"
    assert (await world.source(made))["deletedAt"] is None
    assert await world.worklist() == []


class Immutable(StorageFront):
    """An archive with an immutability policy: committed files and their blob metadata can't be written again."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "PUT" and request.query.get("comp") == "metadata":
            self.seen.append("refused")
            return web.Response(status=409, headers={"x-ms-error-code": "BlobImmutableDueToPolicy"})
        return await super().handle(request)


@pytest.mark.storage("azurite")
async def test_a_resumed_copy_in_an_immutable_archive_is_released_although_its_blob_has_no_digest(
    make_world: MakeWorld, azurite: Azurite, caplog: pytest.LogCaptureFixture
):
    async with Immutable(URL(azurite.blob_url).origin()).running() as front:
        world = await make_world(ARCHIVE_STORAGE=through(azurite, front), BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=1)
        made, _ = await world.announced(size=4 * MIB + 3, format="wav")
        document_id = made["chunks"][0]["documentId"]
        await world.fault("download", "serverError", status=503, skip=3, documentId=document_id)
        await world.fault("delete", "serverError", status=503, times=3, documentId=document_id)
        await world.drained()
        await check_released(world, made)
    assert [one for one in caplog.records if one.levelno == logging.CRITICAL] == []
