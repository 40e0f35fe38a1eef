"""Labels go with a recording: into answers, lists, the archived files and, after a loss of the tables, back again."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from shared.domain.keys import key_of
from shared.queries.downloads import File
from shared.recovery.rebuild import Rebuild
from tests.integration.recording.test_automatic import begun, recording, recordings_of
from tests.integration.recording.test_control import asked, json_of, started
from tests.integration.world import MakeWorld, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

LABELS = {"team": "Kälte & Klima", "case": "4711"}


async def listed(world: World, **parameters: str) -> list[str]:
    page = json_of(await world.queries.recordings(parameters, None, by="ada"))
    return [one["recordingId"] for one in page["recordings"]]


async def archived(world: World, **fields: Any) -> str:
    """A recording of a call that was started over HTTP, and archived."""
    recording_id = await started(world, content="audio", format="wav", **fields)
    await world.acs("POST", f"/recordings/{recording_id}/advance", seconds=2)
    await asked(world, "stop", recording_id)
    events = [one["event"] for one in await world.acs("GET", "/events")]
    (event,) = [one for one in events if one.get("subject", "").endswith(f"/recordingId/{recording_id}")]
    await world.app.intake.receive(event)
    await world.drained()
    return recording_id


async def metadata_of(world: World) -> list[dict[str, str]]:
    async with world.container(world.settings.archive_container) as container:
        return [dict(blob.metadata) async for blob in container.list_blobs(include=["metadata"])]


async def test_labels_are_shown_with_the_recording_and_in_lists(world: World):
    recording_id = await started(world, labels=LABELS)
    assert json_of(await world.commands.get(recording_id))["labels"] == LABELS
    (shown,) = json_of(await world.queries.recordings({"label": "case=4711"}, None, by="ada"))["recordings"]
    assert shown["labels"] == LABELS
    plain = await started(world)
    assert json_of(await world.commands.get(plain))["labels"] == {}


@pytest.mark.storage("memory", "azurite")
async def test_recordings_are_found_by_a_label_and_other_filters(world: World):
    first = await started(world, labels=LABELS, correlation="one")
    second = await started(world, labels={"case": "4711"}, correlation="two")
    await started(world, labels={"case": "4712", "team": "4711"})
    assert await listed(world, label="case=4711") == [second, first]
    assert await listed(world, label="case=4711", limit="1") == [second]
    assert await listed(world, label="team=Kälte & Klima") == [first]
    assert await listed(world, label="case=4711", correlation="one") == [first]
    assert await listed(world, label="case=4712", correlation="one") == []
    assert await listed(world, label="case=4711", state="archived") == []
    assert await listed(world, label="Case=4711") == []


@pytest.mark.storage("memory", "azurite")
async def test_labels_are_on_both_archived_files_and_in_the_archive_record(world: World):
    recording_id = await archived(world, labels=LABELS)
    written = await metadata_of(world)
    assert len(written) == 2
    assert [unquote(one["labels"]) for one in written] == ["team=Kälte & Klima\ncase=4711"] * 2
    record = json_of(await world.commands.archive(recording_id, url="https://callvault.example/api/x", by="ada"))
    assert record["labels"] == LABELS


@pytest.mark.storage("memory", "azurite")
async def test_a_rebuild_restores_labels_and_their_lists(make_world: MakeWorld, world: World):
    recording_id = await archived(world, labels=LABELS)
    lost = await make_world(
        like=world,
        RECORDINGS_TABLE=f"{world.settings.recordings_table}lost",
        CALENDAR_TABLE=f"{world.settings.calendar_table}lost",
    )
    assert await listed(lost, label="case=4711") == []
    await Rebuild(lost.gateways, lost.settings).run(apply=True)
    assert await listed(lost, label="case=4711") == [recording_id]
    assert json_of(await lost.commands.get(recording_id))["labels"] == LABELS


async def test_a_rule_gives_its_labels_to_the_recordings_that_it_starts(make_world: MakeWorld):
    world, _ = await recording(make_world, ({"labels": {"source": "rule"}},))
    call, event = await begun(world)
    await world.app.intake.receive(event)
    (made,) = await recordings_of(world, call)
    assert json_of(await world.commands.get(made["recordingId"]))["labels"] == {"source": "rule"}


async def test_a_download_is_named_by_the_first_label_or_the_correlation(world: World):
    for fields, text in (({"labels": LABELS}, "team-Kälte-Klima"), ({"correlation": "file 12/2026"}, "file-12-2026")):
        recording_id = await archived(world, **fields)
        _, (chunk,) = await world.gateways.catalogue.recording(key_of(recording_id))
        path = {"recordingId": recording_id, "documentId": chunk.document_id}
        link = json.loads((await world.queries.link(File.CONTENT, path, {"redirect": "false"}, by="ada")).body)
        assert f"Z-{text}-0000-mixed-{chunk.chunk_key[:8]}.wav" in link["fileName"]
