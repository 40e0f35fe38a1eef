"""After the worklist is lost, a rebuild watches the recordings that still lack files, each with the right kind of row.

With another kind, the event that reports the missing files wouldn't end the watch.
"""

import pytest

from shared.domain.keys import key_of
from shared.domain.records import Recording
from shared.domain.work_item import Kind
from shared.recovery.list_rebuild import ListRebuild
from tests.unit.world import World, document, event_of


@pytest.fixture
async def world() -> World:
    """`recording-1` lacks its second file, `recording-2` was only started. Their worklist rows are lost."""
    world = await World.made(document("document-0"))
    event = event_of("recording-1", "document-0")
    event["data"]["recordingStorageInfo"]["recordingChunks"][0]["index"] = 1
    await world.host.app.intake.receive(event)
    now = world.clock.now()
    started = Recording(recording_key=key_of("recording-2"), recording_id="recording-2", requested_at=now)
    await world.gateways.catalogue.merge(started)
    world.account.tables[world.settings.worklist_table].rows.clear()
    await ListRebuild(world.gateways, world.clock, world.settings).run()
    return world


@pytest.mark.parametrize(("kind", "recording_id"), [(Kind.FILES, "recording-1"), (Kind.RECORDING, "recording-2")])
async def test_a_recording_without_all_of_its_files_is_watched_again(world: World, kind: Kind, recording_id: str):
    rows = {row for _, row in world.rows(world.settings.worklist_table)}
    assert f"{kind}{key_of(recording_id)}" in rows
    others = {Kind.FILES, Kind.RECORDING} - {kind}
    assert not {f"{other}{key_of(recording_id)}" for other in others} & rows
