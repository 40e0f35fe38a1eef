"""Files are archived although something about them can't be proved or indexed."""

import json
import logging
from typing import Any

import pytest

from shared.domain.states import ChunkState
from tests.integration.archiving.attempts import next_attempt
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


KIB = 1024


async def test_a_participant_id_with_a_lone_surrogate_does_not_stop_the_archiving(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """JSON strings may contain half of a surrogate pair, which UTF-8 can't encode."""
    _, job = await world.announced(size=20 * KIB, format="wav")
    source = world.app.archiving._copier._source  # noqa: SLF001 - the simulator never sends such an id
    real = source.read_whole

    async def odd(location: str, *, limit: int) -> bytes:
        body = json.loads(await real(location, limit=limit))
        return json.dumps({**body, "participants": [{"participantId": "8:acs:\ud800"}]}).encode()

    monkeypatch.setattr(source, "read_whole", odd)
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED


async def test_an_exception_in_the_participant_index_does_not_stop_the_archiving(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    _, job = await world.announced(size=20 * KIB, format="wav")

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.app.archiving._copier._participant_index, "add", broken)  # noqa: SLF001 - a defect of ours
    await world.app.archiving.handle(job)
    assert (await world.chunk(job)).state is ChunkState.RELEASED
    assert [one for one in caplog.records if one.message.startswith("participants not listed")]


async def test_a_file_that_can_t_be_proved_is_archived_as_unverified_on_the_last_attempt(
    make_world: MakeWorld, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    world = await make_world(clock=clock, MAX_ATTEMPTS=2)
    made, job = await world.announced(size=20 * KIB, format="mp3")
    await world.fault("download", "htmlBody", times=0, documentId=made["chunks"][0]["documentId"])
    assert (await next_attempt(world, clock, job)).state is ChunkState.PENDING
    chunk = await next_attempt(world, clock, job)
    await world.acs("DELETE", "/faults")
    assert (chunk.state, chunk.reason) == (ChunkState.ARCHIVED, "unverified-file")
    assert chunk.unverified
    assert str(chunk.blob_name).endswith(".unverified.mp3")
    assert chunk.metadata_sha256 == made["chunks"][0]["metadataSha256"]
    assert (await world.source(made))["deletedAt"] is None
    assert [one.levelno for one in caplog.records if one.message.startswith("source kept")] == [logging.ERROR]
    properties = await world.gateways.archive.find(str(chunk.blob_name))
    assert properties is not None
    assert properties.sha256 == chunk.sha256
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, str(chunk.blob_name))
    assert (await blob.get_blob_properties()).metadata["unverified"]
    await world.app.archiving.handle(job)
    assert await world.chunk(job) == chunk, "a repeated job changes nothing"


async def test_an_unverified_file_counts_before_a_chunk_fails(make_world: MakeWorld):
    """A worker that died stored it. While attempts are left, a proved file is better."""
    first = await make_world(MAX_ATTEMPTS=1)
    made, job = await first.announced(size=20 * KIB, format="mp3")
    document_id = made["chunks"][0]["documentId"]
    await first.fault("download", "htmlBody", times=0, documentId=document_id)
    await first.app.archiving.handle(job)
    await first.acs("DELETE", "/faults")
    stored = await first.chunk(job)
    assert stored.unverified is not None
    dead = stored.evolve(state=ChunkState.PENDING, attempts=0, blob_name=None, sha256=None, unverified=None)
    await first.writers.chunks.replace(dead)
    world = await make_world(like=first)
    await world.fault("download", "redirect", host="media.example.net", documentId=document_id)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert (chunk.state, chunk.reason, chunk.blob_name) == (ChunkState.ARCHIVED, "unverified-file", stored.blob_name)
    assert (await world.source(made))["deletedAt"] is None


async def test_at_the_deadline_an_unproven_file_is_archived_although_attempts_are_left(
    world: World, clock: MovableClock
):
    made, job = await world.announced(size=20 * KIB, format="wav")
    await world.fault("download", "htmlBody", times=0, documentId=made["chunks"][0]["documentId"])
    clock.forward(hours=23, minutes=56)
    await world.app.archiving.handle(job)
    await world.acs("DELETE", "/faults")
    assert ((await world.chunk(job)).state, (await world.chunk(job)).attempts) == (ChunkState.ARCHIVED, 1)


async def test_an_event_without_metadata_or_delete_location_is_archived_with_a_reason(world: World):
    _, job = await world.announced(size=20 * KIB, format="wav")
    chunk = await world.chunk(job)
    await world.writers.chunks.replace(chunk.evolve(delete_location=None, metadata_location=None))
    await world.app.archiving.handle(job)
    archived = await world.chunk(job)
    assert (archived.state, archived.reason) == (ChunkState.ARCHIVED, "no-metadata-location")
    assert archived.sha256 is not None
    assert archived.metadata_blob_name is None
