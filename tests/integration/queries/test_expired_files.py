"""A file that the archive's lifecycle rule deleted is expired, and a file that is restored is safe again."""

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from local.acs.simulator import Simulator
from shared.domain.keys import key_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.queries.downloads import File
from tests.integration.queries.kept import DAYS, Kept, json_of, removals
from tests.integration.world import MovableClock

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
