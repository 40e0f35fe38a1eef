"""Files that were removed from the archive. An answer that still names such a file hides a loss."""

import asyncio
import copy
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from azure.core import MatchConditions
from azure.data.tables import UpdateMode
from azure.storage.blob import StandardBlobTier

from local.acs.simulator import Simulator
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.http.answers import Answer
from shared.queries.downloads import File
from shared.queries.missing_files import MissingFiles
from shared.recovery.list_rebuild import ListRebuild
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAYS = 30  # age at which the archive's lifecycle rule deletes files, in tests that have one


def json_of(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.body)
    return body


class Kept:
    """A recording of one archived and released chunk, with helpers that remove and restore its files."""

    def __init__(self, world: World, container: Any, made: dict[str, Any], job: ChunkJob) -> None:
        self.world, self.container, self.made, self.job = world, container, made, job
        self.id: str = made["recordingId"]

    async def chunk(self) -> Chunk:
        return await self.world.chunk(self.job)

    async def name(self, file: File) -> str:
        chunk = await self.chunk()
        return str(chunk.blob_name if file is File.CONTENT else chunk.metadata_blob_name)

    async def remove(self, *files: File) -> dict[str, bytes]:
        """Deletes files, as somebody with access to the account could, and returns their content."""
        bodies = {}
        for file in files:
            name = await self.name(file)
            bodies[name] = await (await self.container.download_blob(name)).readall()
            await self.container.delete_blob(name)
        return bodies

    async def restore(self, bodies: dict[str, bytes]) -> None:
        for name, body in bodies.items():
            await self.container.upload_blob(name, body)

    async def link(self, file: File = File.CONTENT) -> Answer:
        path = {"recordingId": self.id, "documentId": self.made["chunks"][0]["documentId"]}
        return await self.world.queries.link(file, path, {}, by="ada@contoso.example")

    async def archive(self) -> Answer:
        return await self.world.commands.archive(self.id, url=f"https://x/api/recordings/{self.id}/archive", by="ada")

    async def view(self) -> dict[str, Any]:
        return json_of(await self.world.commands.get(self.id))

    async def listed(self, **query: str) -> list[dict[str, Any]]:
        page = json_of(await self.world.queries.recordings(query, participant=None, by="ada"))
        return [one for one in page["recordings"] if one["recordingId"] == self.id]

    async def history(self) -> list[str]:
        return [one.action for one in await self.world.gateways.audit.history(key_of(self.id))]


@pytest_asyncio.fixture(name="keep", loop_scope="session")
async def keep_fixture(make_world: MakeWorld, clock: MovableClock) -> AsyncIterator[Any]:
    """Makes recordings whose chunks are released."""
    containers: list[Any] = []

    async def keep(count: int = 1, **settings: Any) -> Kept:
        world = await make_world(clock=clock, **settings)
        made, job = await world.announced(size=30_000, format="wav", count=count, participants=[{"name": "Alice"}])
        await world.drained()
        name = world.settings.archive_container
        containers.append(world.container(name))
        return Kept(world, containers[-1], made, job)

    yield keep
    await asyncio.gather(*(one.close() for one in containers))


def removals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if one.levelno >= logging.ERROR]


@pytest.mark.storage("memory", "azurite")
async def test_a_removed_media_file_is_trouble_in_every_view_of_the_recording(
    keep: Any, caplog: pytest.LogCaptureFixture
):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    await kept.remove(File.CONTENT)
    answer = await kept.link()
    assert (answer.status, json_of(answer)["reason"]) == (410, "archived-file-gone")
    chunk = await kept.chunk()
    assert (chunk.state, chunk.missing, chunk.fault) == (ChunkState.REMOVED, "media", "destination")
    assert chunk.blob_name is not None, "the name is needed to find a restored file"
    view = await kept.view()
    assert (view["state"], view["chunks"][0]["state"], view["chunks"][0]["missing"]) == (
        "incomplete",
        "removed",
        "media",
    )
    (listed,) = await kept.listed(trouble="true")
    assert (listed["state"], listed["size"], listed["deadline"]) == ("incomplete", 0, None)
    assert listed["trouble"][0]["reason"] == "media-removed"
    assert listed["trouble"][0]["since"] is not None
    summary = json_of(await kept.world.queries.summary())
    assert [one["recordingId"] for one in summary["trouble"]["recordings"]] == [kept.id]
    assert "removed" in await kept.history()
    assert [one for one in removals(caplog) if one.startswith("archived file removed")]
    assert (await kept.link(File.METADATA)).status == 302


async def test_the_archive_record_never_names_a_missing_file(keep: Any):
    kept: Kept = await keep(count=2)
    assert (await kept.archive()).status == 200
    await kept.remove(File.CONTENT)
    answer = await kept.archive()
    problem = json_of(answer)
    assert (answer.status, problem["reason"], problem["fault"]) == (410, "chunk-removed", "destination")
    assert problem["detail"].startswith("1 of 2 chunks: removed: index 0 (media-removed)")
    assert (await kept.chunk()).state is ChunkState.REMOVED


async def test_media_can_be_downloaded_after_the_metadata_file_was_removed(keep: Any):
    kept: Kept = await keep()
    await kept.remove(File.METADATA)
    answer = await kept.archive()
    record = json_of(answer)
    (shown,) = record["chunks"]
    assert (answer.status, record["state"], shown["state"]) == (200, "incomplete", "removed")
    assert (shown["metadataBlobName"], shown["participants"]) == (None, None)
    assert shown["blobUrl"].endswith(shown["blobName"])
    chunk = await kept.chunk()
    assert (chunk.state, chunk.missing, chunk.reason) == (ChunkState.REMOVED, "metadata", "metadata-removed")
    assert (await kept.link()).status == 302
    assert (await kept.link(File.METADATA)).status == 410


async def test_the_timeline_finds_a_missing_metadata_file_too(keep: Any):
    kept: Kept = await keep()
    bodies = await kept.remove(File.METADATA, File.CONTENT)
    (shown,) = json_of(await kept.world.queries.timeline(kept.id, by="ada"))["chunks"]
    assert (shown["state"], shown["startedAt"]) == ("removed", None)
    assert (await kept.chunk()).missing == "both"
    await kept.restore(bodies)
    (shown,) = json_of(await kept.world.queries.timeline(kept.id, by="ada"))["chunks"]
    assert (shown["state"], shown["startedAt"] is not None) == ("released", True)


@pytest.mark.storage("memory", "azurite")
async def test_a_file_that_the_archive_s_rule_removed_is_expired_and_not_trouble(
    keep: Any, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=DAYS, hours=1)
    await kept.remove(File.CONTENT, File.METADATA)
    caplog.clear()
    answer = await kept.archive()
    record = json_of(answer)
    (shown,) = record["chunks"]
    assert (answer.status, record["state"], shown["state"]) == (200, "expired", "expired")
    assert (shown["blobName"], shown["blobUrl"], shown["metadataBlobName"]) == (None, None, None)
    assert shown["sha256"] == kept.made["chunks"][0]["sha256"], "recorded digests stay"
    chunk = await kept.chunk()
    assert (chunk.state, chunk.missing, chunk.reason, chunk.fault) == (ChunkState.EXPIRED, "both", None, None)
    assert (await kept.view())["state"] == "expired"
    assert await kept.listed(trouble="true") == []
    assert [one["state"] for one in await kept.listed(state="expired")] == ["expired"]
    link = await kept.link()
    assert (link.status, json_of(link)["reason"]) == (410, "archived-file-expired")
    assert "expired" in await kept.history()
    assert not removals(caplog)
    health = json_of(await kept.world.commands.health())
    assert [one for one in health["checks"] if one["name"] == "deadline" and not one["ok"]] == []


async def test_an_expired_recording_with_a_worklist_row_is_not_open(keep: Any, clock: MovableClock):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=DAYS, hours=1)
    await kept.remove(File.CONTENT, File.METADATA)
    await kept.archive()
    recording = await kept.world.gateways.catalogue.ledger(key_of(kept.id))
    assert recording is not None
    await kept.world.writers.open_work.add(
        WorkItem.of_files(recording.recording_key, kept.id, clock.now(), recording.listed_at)
    )
    found = json_of(await kept.world.queries.summary())["open"]
    assert (found["items"], found["recordings"]) == (0, {})


async def test_a_file_that_is_removed_before_its_retention_ends_is_not_expired(keep: Any, clock: MovableClock):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=DAYS, hours=-1)
    await kept.remove(File.CONTENT)
    assert json_of(await kept.link())["reason"] == "archived-file-gone"
    clock.forward(days=2)
    assert json_of(await kept.link())["reason"] == "archived-file-gone", "a removed file doesn't become expired later"
    await kept.remove(File.METADATA)
    assert json_of(await kept.archive())["reason"] == "chunk-removed"
    chunk = await kept.chunk()
    assert (chunk.state, chunk.missing) == (ChunkState.REMOVED, "both")


async def test_metadata_that_expire_a_day_before_their_media_don_t_change_the_state(keep: Any, clock: MovableClock):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=DAYS, hours=1)
    await kept.remove(File.METADATA)
    record = json_of(await kept.archive())
    (shown,) = record["chunks"]
    assert (record["state"], shown["state"], shown["metadataBlobName"]) == ("archived", "released", None)
    assert shown["blobName"] is not None
    assert json_of(await kept.link(File.METADATA))["reason"] == "archived-file-expired"
    await kept.remove(File.CONTENT)
    assert json_of(await kept.archive())["state"] == "expired"


async def test_a_restored_file_gives_the_chunk_its_former_state(keep: Any):
    kept: Kept = await keep()
    before = await kept.chunk()
    bodies = await kept.remove(File.CONTENT, File.METADATA)
    assert (await kept.archive()).status == 410
    place = ListEntry.of_chunk(before)
    assert await kept.world.gateways.lists.find(place, ListName.TROUBLE) is not None
    await kept.restore(bodies)
    assert (await kept.archive()).status == 200
    assert await kept.chunk() == before
    assert await kept.world.gateways.lists.find(place, ListName.TROUBLE) is None
    assert (await kept.history())[-2:] == ["found again", "read archive"]
    assert (await kept.link()).status == 302


async def test_a_link_finds_a_restored_file_too(keep: Any, clock: MovableClock):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=DAYS + 1)
    bodies = await kept.remove(File.CONTENT)
    assert (await kept.link()).status == 410
    await kept.restore(bodies)
    assert (await kept.link()).status == 302
    assert (await kept.chunk()).state is ChunkState.RELEASED


async def test_a_file_that_was_missing_and_is_restored_is_not_announced_again(
    keep: Any, clock: MovableClock, simulator: Simulator
):
    topic = {"ANNOUNCE_TOPIC_ENDPOINT": simulator.topic_endpoint, "ANNOUNCE_TOPIC_KEY": simulator.topic_key}
    kept: Kept = await keep(DELETE_SOURCE="false", **topic)
    clock.forward(hours=kept.world.settings.retention_hours + 1)
    asked = f"/announcements?recordingId={kept.id}"
    announced = await kept.world.acs("GET", asked)
    bodies = await kept.remove(File.CONTENT)
    await kept.archive()
    await kept.restore(bodies)
    await kept.archive()
    chunk = await kept.chunk()
    assert (chunk.state, chunk.outbox) == (ChunkState.ARCHIVED, None), "no one would deliver it"
    await kept.world.app.sweep.run()
    assert await kept.world.acs("GET", asked) == announced


@pytest.mark.parametrize("file", File)
async def test_an_archived_file_whose_source_acs_still_has_is_copied_again(keep: Any, file: File):
    kept: Kept = await keep(DELETE_SOURCE="false")
    await kept.remove(file)
    answer = await kept.archive()
    assert (answer.status, json_of(answer)["waitingFor"]) == (202, "chunks")
    assert (await kept.chunk()).state is ChunkState.PENDING
    assert "removed" in await kept.history()
    assert await kept.world.queued() == 1
    await kept.world.drained()
    assert (await kept.archive()).status == 200
    chunk = await kept.chunk()
    assert (chunk.state, chunk.missing) == (ChunkState.ARCHIVED, None)
    assert (await kept.link(file)).status == 302


async def test_a_source_past_its_deadline_is_not_copied_again(keep: Any, clock: MovableClock):
    kept: Kept = await keep(DELETE_SOURCE="false")
    await kept.remove(File.CONTENT)
    clock.forward(hours=kept.world.settings.retention_hours + 1)
    assert (await kept.link()).status == 410
    assert (await kept.chunk()).state is ChunkState.REMOVED
    assert await kept.world.queued() == 0


async def test_a_link_to_a_file_that_is_copied_again_is_refused_with_advice_to_try_again(keep: Any):
    kept: Kept = await keep(DELETE_SOURCE="false")
    await kept.remove(File.CONTENT)
    answer = await kept.link()
    assert (answer.status, json_of(answer)["reason"], json_of(answer)["retry"]) == (409, "not-archived", True)


@pytest.mark.parametrize("days", [0, DAYS], ids=["removed", "expired"])
async def test_a_missing_file_whose_source_was_deleted_is_not_copied_again(keep: Any, clock: MovableClock, days: int):
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=days)
    await kept.remove(File.CONTENT)
    await kept.archive()
    missing = await kept.chunk()
    replayed = json_of(await kept.world.commands.replay(kept.id, by="ada"))
    assert replayed["chunks"] == 0
    await kept.world.app.archiving.handle(kept.job)
    await kept.world.app.intake.receive(kept.made["event"])
    await ListRebuild(kept.world.gateways, clock, kept.world.settings).run()
    assert json_of(await kept.world.queries.summary())["open"]["items"] == 0
    clock.forward(hours=1)
    await kept.world.app.sweep.run()
    assert await kept.world.queued() == 0
    assert await kept.chunk() == missing


@pytest.mark.parametrize("days", [0, DAYS], ids=["removed", "expired"])
async def test_an_event_with_other_locations_doesn_t_change_a_released_chunk_with_missing_files(
    keep: Any, clock: MovableClock, days: int
):
    """The event may be a correction or forged. The source is deleted, and the archived digests must stay."""
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    clock.forward(days=days)
    await kept.remove(File.CONTENT)
    await kept.archive()
    missing = await kept.chunk()
    event = copy.deepcopy(kept.made["event"]) | {"id": "another"}
    (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
    chunk["contentLocation"] += "?other=1"
    for again in (kept.made["event"] | {"id": "yet another"}, event):
        await kept.world.app.intake.receive(again)
    assert await kept.world.queued() == 0
    assert await kept.chunk() == missing


async def test_the_sweep_removes_the_worklist_row_of_a_removed_chunk(keep: Any, clock: MovableClock):
    """As if the row of a released chunk had not been removed yet."""
    kept: Kept = await keep()
    await kept.remove(File.CONTENT)
    await kept.archive()
    await kept.world.writers.open_work.add(WorkItem.of_chunk(await kept.chunk(), clock.now()))
    clock.forward(hours=kept.world.settings.retention_hours - 1)
    summary = json_of(await kept.world.queries.summary())
    assert (summary["open"]["chunks"], summary["open"]["oldest"]) == ({}, None)
    health = json_of(await kept.world.commands.health())
    assert health["oldestOpen"] is None
    await kept.world.app.sweep.run()
    assert json_of(await kept.world.queries.summary())["open"]["items"] == 0
    assert (await kept.chunk()).state is ChunkState.REMOVED


async def test_a_file_in_the_archive_tier_is_present_but_has_no_link(keep: Any):
    kept: Kept = await keep()
    for file in File:
        await kept.container.get_blob_client(await kept.name(file)).set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    link = await kept.link()
    assert (link.status, json_of(link)["reason"]) == (410, "archived-file-gone")
    record = json_of(await kept.archive())
    assert record["chunks"][0]["blobUrl"] is not None
    assert record["chunks"][0]["participants"] is None
    assert (await kept.chunk()).state is ChunkState.RELEASED


async def test_of_many_reads_that_find_a_file_missing_only_one_records_it(keep: Any):
    kept: Kept = await keep()
    await kept.remove(File.CONTENT)
    answers = await asyncio.gather(*(kept.archive() for _ in range(4)), *(kept.link() for _ in range(4)))
    assert {answer.status for answer in answers} == {410}
    assert (await kept.history()).count("removed") == 1


async def test_a_read_doesn_t_overwrite_a_row_that_changed_meanwhile(keep: Any, monkeypatch: pytest.MonkeyPatch):
    kept: Kept = await keep()
    await kept.remove(File.CONTENT)
    catalogue = kept.world.gateways.catalogue
    real, rounds = type(catalogue).replace, []

    async def overtaken(self: Any, chunk: Chunk) -> Chunk:
        if not rounds:
            rounds.append(chunk)
            standing = await self.chunk(chunk.recording_key, chunk.chunk_key)
            await real(self, standing.evolve(channel="written meanwhile"))
        return await real(self, chunk)

    monkeypatch.setattr(type(catalogue), "replace", overtaken)
    assert (await kept.archive()).status == 410
    chunk = await kept.chunk()
    assert rounds
    assert (chunk.state, chunk.missing) == (ChunkState.REMOVED, "media")


async def test_a_missing_file_isn_t_recorded_if_the_chunk_was_archived_again_meanwhile(
    keep: Any, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
):
    kept: Kept = await keep(DELETE_SOURCE="false")
    before = await kept.chunk()
    await kept.remove(File.CONTENT)
    missing_files = MissingFiles(kept.world.gateways, clock, kept.world.settings)
    real, rounds = missing_files._is_missing, []  # noqa: SLF001 - between check and write

    async def late(name: str | None) -> bool:
        missed: bool = await real(name)
        if missed and not rounds:
            rounds.append(name)
            await kept.archive()
            await kept.world.drained()
        return missed

    monkeypatch.setattr(missing_files, "_is_missing", late)
    chunk = await missing_files.check(before)
    assert rounds
    assert (chunk.state, chunk.missing) == (ChunkState.ARCHIVED, None)
    assert await kept.world.queued() == 0
    assert (await kept.history()).count("removed") == 1


async def test_a_late_job_doesn_t_remove_the_worklist_row_of_a_chunk_that_is_copied_again(keep: Any):
    kept: Kept = await keep(DELETE_SOURCE="false")
    before = await kept.chunk()
    await kept.remove(File.CONTENT)
    await kept.archive()
    assert (await kept.chunk()).state is ChunkState.PENDING
    await kept.world.app.archiving._release.release(before)  # noqa: SLF001 - the chunk as the job read it before
    await kept.world.dropped()
    due = kept.world.gateways.worklist.due((await kept.chunk()).deadline)
    assert [item.chunk_key async for item in due] == [before.chunk_key]


async def test_a_missing_container_doesn_t_count_as_a_removed_file(keep: Any):
    kept: Kept = await keep()
    await kept.container.delete_container()
    assert (await kept.archive()).status == 503
    assert (await kept.link()).status == 503
    assert (await kept.chunk()).state is ChunkState.RELEASED


async def test_a_file_older_than_its_row_counts_from_its_event(keep: Any, clock: MovableClock):
    """A later attempt found the file in the archive. The lifecycle rule counts from the file's creation."""
    kept: Kept = await keep(ARCHIVE_DELETE_AFTER_DAYS=DAYS)
    chunk = await kept.chunk()
    clock.forward(days=DAYS, hours=1)
    table = kept.world.app.clients.tables.get_table_client(kept.world.settings.recordings_table)
    row = await table.get_entity(kept.job.recordingKey, f"chunk-{kept.job.chunkKey}")
    row["archivedAt"] = clock.now()
    await table.update_entity(
        row, mode=UpdateMode.REPLACE, etag=chunk.etag, match_condition=MatchConditions.IfNotModified
    )
    await kept.remove(File.CONTENT)
    assert json_of(await kept.link())["reason"] == "archived-file-expired"
