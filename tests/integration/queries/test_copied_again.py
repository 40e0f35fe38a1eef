"""A missing file is copied again if ACS still has its source."""

import copy
from typing import Any

import pytest

from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.queries.downloads import File
from shared.recovery.list_rebuild import ListRebuild
from tests.integration.queries.kept import DAYS, Kept, json_of
from tests.integration.world import MovableClock

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_a_removed_file_is_reported_although_its_job_can_t_be_queued(keep: Any, caplog: pytest.LogCaptureFixture):
    kept: Kept = await keep(DELETE_SOURCE="false")
    await kept.remove(File.CONTENT)
    async with kept.world.queue(kept.world.settings.chunks_queue) as queue:
        await queue.delete_queue()
    assert (await kept.archive()).status == 503
    assert (await kept.chunk()).state is ChunkState.PENDING
    assert "archived file removed" in caplog.text, "an alert searches for this line, and later reads skip the chunk"
    assert "removed" in await kept.history()


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
