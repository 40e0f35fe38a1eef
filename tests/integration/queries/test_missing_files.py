"""Files that were removed from the archive. An answer that still names such a file hides a loss."""

import asyncio
from typing import Any

import pytest
from azure.storage.blob import StandardBlobTier

from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.queries.downloads import File
from shared.queries.missing_files import MissingFiles
from tests.integration.queries.kept import DAYS, Kept, json_of, removals
from tests.integration.world import MovableClock

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_the_timeline_finds_a_missing_media_file(keep: Any):
    """The page reads it when a person opens a recording, and must not show that a file is there that isn't."""
    kept: Kept = await keep()
    await kept.remove(File.CONTENT)
    (shown,) = json_of(await kept.world.queries.timeline(kept.id, by="ada"))["chunks"]
    assert (shown["state"], shown["startedAt"] is not None) == ("removed", True)
    assert (await kept.chunk()).missing == "media"


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
            current = await self.chunk(chunk.recording_key, chunk.chunk_key)
            await real(self, current.evolve(channel="written meanwhile"))
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


async def test_a_missing_container_doesn_t_count_as_a_removed_file(keep: Any):
    kept: Kept = await keep()
    await kept.container.delete_container()
    assert (await kept.archive()).status == 503
    assert (await kept.link()).status == 503
    assert (await kept.chunk()).state is ChunkState.RELEASED
