"""Whatever happens to the topic or the process, each chunk is archived, released and announced."""

from collections import Counter
from dataclasses import replace

import pytest

from local.memory.mishaps import Mishap, Mishaps
from local.memory.storage.account import apply_at_once
from shared.domain.states import ChunkState
from tests.unit.runs import RECORDING, SMALL, TWO, Run
from tests.unit.world import ANNOUNCING

ARCHIVED, COMPLETE = "Callvault.ChunkArchived", "Callvault.RecordingComplete"


async def test_each_chunk_is_announced_once_and_then_its_recording():
    run = await Run.prepared(TWO, **ANNOUNCING)
    await run.under(apply_at_once)
    types = [event["type"] for event in run.world.topic.taken]
    assert (Counter(types), types[-1]) == (Counter({ARCHIVED: 2, COMPLETE: 1}), COMPLETE)


@pytest.mark.parametrize("mishap", Mishap)
async def test_whatever_operation_goes_wrong_the_announcements_are_the_same(mishap: Mishap):
    expected = await (await Run.prepared(SMALL, **ANNOUNCING)).under(apply_at_once)
    assert [kind for kind, _ in expected["announced"]] == [ARCHIVED, COMPLETE]
    number, hit = 0, True
    while hit:
        run, mishaps = await Run.prepared(SMALL, **ANNOUNCING), Mishaps({number: mishap})
        found = await run.under(mishaps)
        assert found == expected, f"operation {number}: {mishaps.hits}"
        ids = {(event["type"], event["id"]) for event in run.world.topic.taken}
        assert len(ids) == len(expected["announced"]), "an announcement that is sent again has its id"
        hit = bool(mishaps.hits)
        number += 1
    assert number > 15, "every operation of the run has had its mishap"


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_topic_that_refuses_delays_no_delete(status: int):
    run = await Run.prepared(SMALL, **ANNOUNCING)
    run.world.topic.refuse(status)
    await run.world.host.round()
    assert all(one.is_deleted for one in run.world.acs.documents)
    assert run.world.topic.taken == []
    chunk = await run.world.chunk(RECORDING, *SMALL)
    assert chunk.outbox is not None
    await run.under(apply_at_once)
    assert [event["type"] for event in run.world.topic.taken] == [ARCHIVED, COMPLETE]


async def test_a_recording_is_announced_once_a_row_of_it_can_be_read_again():
    run = await Run.prepared(TWO, **ANNOUNCING)
    location = run.world.acs.documents[1].content_location
    run.world.acs.refuse(location, 503)
    await run.world.host.round()
    first, second = [await run.world.chunk(RECORDING, name) for name in TWO]
    assert (first.state, second.state) == (ChunkState.RELEASED, ChunkState.PENDING)
    rows, key = (
        run.world.account.tables[run.world.settings.recordings_table].rows,
        (first.recording_key, f"chunk-{first.chunk_key}"),
    )
    rows[key] = replace(rows[key], entity=rows[key].entity | {"state": "of a newer version"})
    for _ in range(10):
        await run.world.host.round()
    assert _types(run) == [ARCHIVED, ARCHIVED]
    rows[key] = replace(rows[key], entity=rows[key].entity | {"state": "released"})
    await run.under(apply_at_once)
    assert _types(run) == [ARCHIVED, ARCHIVED, COMPLETE]


async def test_files_that_are_gone_before_they_are_announced_are_announced_once_they_are_copied_again():
    run = await Run.prepared(SMALL, **ANNOUNCING)
    (document,) = run.world.acs.documents
    run.world.acs.refuse(document.delete_location, 503)
    run.world.topic.refuse(503)
    await run.world.host.round()
    container = run.world.account.containers[run.world.settings.archive_container]
    for name in [one for one in container.names() if not one.endswith("json")]:
        container.delete(name, None)
    assert (await run.world.chunk(RECORDING, *SMALL)).state is ChunkState.ARCHIVED
    await run.under(apply_at_once)
    assert _types(run) == [ARCHIVED, COMPLETE]
    assert "media" in run.world.topic.taken[0]["data"]


def _types(run: Run) -> list[str]:
    return [event["type"] for event in run.world.topic.taken]
