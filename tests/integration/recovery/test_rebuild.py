"""If the tables are lost, the catalogue can be rebuilt from the archive alone."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.contracts.events.outcome import Outcome
from shared.domain.keys import key_of
from shared.domain.records import Recording
from shared.recovery.rebuild import Rebuild
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT = Path(__file__).parents[3]


async def archive_of(world: World) -> list[dict[str, object]]:
    made = []
    for media_format, count in (("wav", 2), ("mp3", 1), ("mp4", 1)):
        one, _ = await world.announced(size=30_000, format=media_format, count=count)
        made.append(one)
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    await container.upload_blob("somebody-else.txt", b"not ours")
    return made


@pytest.mark.storage("memory", "azurite")
async def test_a_dry_run_writes_nothing_and_apply_restores_every_chunk(make_world: MakeWorld, world: World):
    made = await archive_of(world)
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    rebuild = Rebuild(lost.gateways, lost.settings)
    dry = await rebuild.run(apply=False)
    assert (dry.chunks, len(dry.recordings), dry.already_there, dry.written, dry.not_ours) == (4, 3, 0, 0, 1)
    assert (await rebuild.run(apply=True)).written == 4
    again = await rebuild.run(apply=True)
    assert (again.already_there, again.written) == (4, 0)
    for one in made:
        key = world.job(one).recordingKey
        before, chunks = await world.gateways.catalogue.recording(key)
        after, rebuilt = await lost.gateways.catalogue.recording(key)
        assert before is not None
        assert after is not None
        assert (after.recording_id, after.started_at) == (before.recording_id, before.started_at)
        for old, new in zip(chunks, rebuilt, strict=True):
            for name in ("document_id", "index", "end_reason", "format", "size", "sha256", "blob_name", "deadline"):
                assert getattr(new, name) == getattr(old, name), name
            assert (new.metadata_blob_name, new.metadata_sha256) == (old.metadata_blob_name, old.metadata_sha256)
            assert new.participants == old.participants is not None


async def test_an_event_that_is_repeated_after_a_rebuild_copies_nothing_again(make_world: MakeWorld, world: World):
    made, _ = await world.announced(size=30_000, format="wav")
    await world.drained()
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    await Rebuild(lost.gateways, lost.settings).run(apply=True)
    await lost.app.intake.receive(made["event"])
    assert await lost.queued() == 0


async def test_a_document_archived_without_a_link_stays_with_its_recording(make_world: MakeWorld, world: World):
    made, _ = await world.announced(size=30_000, format="wav")
    await world.drained()
    older = await make_world(like=world, LINKS_TABLE=f"{world.settings.links_table}lost")
    await Rebuild(older.gateways, older.settings).run(apply=True)
    other = made["event"] | {"subject": f"{made['event']['subject']}other", "id": "other"}
    assert await older.app.intake.receive(other) is Outcome.UNCHANGED
    assert await older.queued() == 0


async def test_lost_lists_are_restored_from_the_catalogue(make_world: MakeWorld, world: World):
    await archive_of(world)
    wrong = await world.document(size=20_000, format="wav")
    await world.fault("download", "redirect", host="media.example.net", documentId=wrong["chunks"][0]["documentId"])
    await world.app.intake.receive(wrong["event"])
    await world.drained()
    await world.announced(size=20_000, format="wav")
    lost = await make_world(
        like=world,
        CALENDAR_TABLE=f"{world.settings.calendar_table}lost",
        WORKLIST_TABLE=f"{world.settings.worklist_table}lost",
    )
    assert await listed(lost) == []
    assert (await Rebuild(lost.gateways, lost.settings).run(apply=True)).listed == 5
    for narrowed in ({}, {"open": "true"}, {"trouble": "true"}, {"state": "archived"}):
        assert await listed(lost, **narrowed) == await listed(world, **narrowed) != []
    later = datetime.now(UTC) + timedelta(hours=1)
    assert len([item async for item in lost.gateways.worklist.due(later)]) == 2


async def listed(world: World, **parameters: str) -> list[str]:
    page = json.loads((await world.queries.recordings(parameters, None, by="ada")).body)
    return [one["recordingKey"] for one in page["recordings"]]


async def test_a_chunk_with_only_one_file_is_counted_and_skipped(world: World):
    await world.announced(size=30_000, format="wav")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    (name,) = [name for name in await world.blobs() if name.endswith(".metadata.json")]
    await container.delete_blob(name)
    found = await Rebuild(world.gateways, world.settings).run(apply=True)
    assert (found.chunks, found.without_metadata) == (0, 1)


async def test_a_file_without_a_digest_is_read_to_compute_it(make_world: MakeWorld):
    """In immutable storage a resumed copy has no digest. The chunk must still be restored."""
    world = await make_world(BLOCK_SIZE_MIB=1)
    made, job = await world.announced(size=3_000_000, format="wav")
    await world.drained()
    name = str((await world.chunk(job)).blob_name)
    blob = world.app.clients.archive.get_blob_client(world.settings.archive_container, name)
    kept = (await blob.get_blob_properties()).metadata
    await blob.set_blob_metadata({key: value for key, value in kept.items() if key != "sha256"})
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    rebuild = Rebuild(lost.gateways, lost.settings)
    assert (await rebuild.run(apply=False)).without_digest == 1
    assert (await rebuild.run(apply=True)).written == 1
    assert (await lost.chunk(job)).sha256 == made["chunks"][0]["sha256"]


async def test_an_unverified_file_is_restored_as_unverified(make_world: MakeWorld, world: World):
    _, job = await world.announced(size=30_000, format="wav")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    name = str((await world.chunk(job)).blob_name)
    data = (await world.blobs())[name]
    kept = (await container.get_blob_client(name).get_blob_properties()).metadata
    await container.upload_blob(name.replace(".wav", ".unverified.wav"), data, metadata=kept)
    await container.delete_blob(name)
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    assert (await Rebuild(lost.gateways, lost.settings).run(apply=True)).written == 1
    assert (await lost.chunk(job)).unverified == "stored without proof"


@pytest.mark.storage("azurite")
async def test_the_command_prints_its_counts_and_that_it_was_a_dry_run(world: World):
    await world.announced(size=30_000, format="wav")
    await world.drained()
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.rebuild", cwd=CHECKOUT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await command.communicate()
    assert command.returncode == 0
    assert "1 chunks of 1 recordings" in output.decode()
    assert "Dry run" in output.decode()


@dataclass(frozen=True)
class Forgery:
    """A change to the metadata or name of a chunk's media file, by someone with write access to the archive."""

    reason: str
    properties: dict[str, str]
    name: str | None = None


FORGERIES = {
    "index": Forgery("chunkindex is not an index", {"chunkindex": "first"}),
    "other index": Forgery("the name doesn't match", {"chunkindex": "7"}),
    "start": Forgery("startedat is not a time", {"startedat": "yesterday"}),
    "other day": Forgery("the name doesn't match", {"startedat": "2020-01-01T00:00:00+00:00"}),
    "event": Forgery("eventtime is not a time", {"eventtime": ""}),
    "key": Forgery("recordingkey is not a key", {"recordingkey": "../other"}),
    "other key": Forgery("name different recordings", {"recordingkey": "0" * 32}),
    "other recording": Forgery("name different recordings", {"recordingid": "another"}),
    "other document": Forgery("the name doesn't match", {"documentid": "another"}),
    "digest": Forgery("sha256 is not a digest", {"sha256": "none"}),
    "size": Forgery("size differs", {"size": "1"}),
    "name": Forgery("the name doesn't match", {}, "elsewhere/0000-document.wav"),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_a_file_with_contradictory_metadata_is_named_and_the_others_are_restored(
    make_world: MakeWorld, world: World, forgery: Forgery
):
    _, job = await world.announced(size=30_000, format="wav")
    other, _ = await world.announced(size=30_000, format="wav")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    name = str((await world.chunk(job)).blob_name)
    data = (await world.blobs())[name]
    kept = (await container.get_blob_client(name).get_blob_properties()).metadata
    await container.delete_blob(name)
    forged = forgery.name or name
    await container.upload_blob(forged, data, metadata=kept | forgery.properties)
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    found = await Rebuild(lost.gateways, lost.settings).run(apply=True)
    assert list(found.unreadable) == [forged]
    assert forgery.reason in found.unreadable[forged]
    assert (found.written, found.without_metadata, found.not_ours) == (1, 1, 0)
    assert (await lost.chunk(world.job(other))).document_id == other["chunks"][0]["documentId"]
    assert await lost.gateways.catalogue.recording(job.recordingKey) == (None, ())


async def test_a_file_whose_document_belongs_to_another_recording_is_skipped(world: World):
    _, job = await world.announced(size=30_000, format="wav")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    copies = {}
    for name, data in (await world.blobs()).items():
        kept = (await container.get_blob_client(name).get_blob_properties()).metadata
        moved = kept | {"recordingkey": key_of("another"), "recordingid": "another"}
        copies[name.replace(job.recordingKey, key_of("another"))] = (data, moved)
    for name, (data, moved) in copies.items():
        await container.upload_blob(name, data, metadata=moved)
    found = await Rebuild(world.gateways, world.settings).run(apply=True)
    assert len(found.unreadable) == 1
    assert set(found.unreadable.values()) == {"the document belongs to another recording"}
    assert await world.gateways.catalogue.recording(key_of("another")) == (None, ())


async def test_two_media_files_of_one_chunk_don_t_count_as_media_and_metadata(make_world: MakeWorld, world: World):
    _, job = await world.announced(size=30_000, format="wav")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    name = str((await world.chunk(job)).blob_name)
    kept = (await container.get_blob_client(name).get_blob_properties()).metadata
    await container.upload_blob(name.replace(".wav", ".mp3"), (await world.blobs())[name], metadata=kept)
    await container.delete_blob(name.replace(".wav", ".metadata.json"))
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    found = await Rebuild(lost.gateways, lost.settings).run(apply=True)
    assert (found.written, found.unreadable) == (0, {name: "the chunk has another file of the same kind"})


async def test_a_row_that_can_t_be_read_doesn_t_stop_the_others_from_being_restored(world: World):
    _, job = await world.announced(size=30_000, format="wav")
    await world.announced(size=30_000, format="wav")
    await world.drained()
    async with world.table(world.settings.recordings_table) as table:
        row = {"PartitionKey": job.recordingKey, "RowKey": f"chunk-{job.chunkKey}", "state": "of a newer version"}
        await table.upsert_entity(row)
    found = await Rebuild(world.gateways, world.settings).run(apply=True)
    assert (found.already_there, len(found.unreadable)) == (1, 1)


@pytest.mark.storage("memory", "azurite")
async def test_a_rebuild_only_adds_to_an_existing_recording(make_world: MakeWorld, world: World):
    made, job = await world.announced(size=30_000, format="wav")
    await world.drained()
    lost = await make_world(like=world, RECORDINGS_TABLE=f"{world.settings.recordings_table}lost")
    at = datetime(2026, 11, 20, tzinfo=UTC)
    kept = Recording(recording_key=job.recordingKey, started_at=at, announced_at=at, listed_at=at)
    await lost.writers.recordings.merge(kept)
    assert (await Rebuild(lost.gateways, lost.settings).run(apply=True)).written == 1
    found = await lost.gateways.catalogue.ledger(job.recordingKey)
    assert found == kept.evolve(recording_id=made["recordingId"])


@pytest.mark.storage("azurite")
async def test_the_command_names_files_that_it_can_t_read(world: World):
    await world.announced(size=30_000, format="wav")
    await world.drained()
    container = world.app.clients.archive.get_container_client(world.settings.archive_container)
    (name,) = [name for name in await world.blobs() if name.endswith(".wav")]
    await container.get_blob_client(name).set_blob_metadata({"documentid": "alone"})
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.rebuild", cwd=CHECKOUT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await command.communicate()
    assert command.returncode == 1
    assert "1 that can't be read" in output.decode()
    assert f"{name!r}: metadata is missing: recordingkey, chunkindex, startedat, eventtime" in output.decode()
