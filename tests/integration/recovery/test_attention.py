"""What a person does about trouble: acknowledge a loss, and retry all chunks that one cause stopped."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from shared.domain.failure import Failure
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import WorkItem
from shared.errors import Fault
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

GIVEN = {"name": "Ada", "note": "Confirmed by ACS support."}
GONE = Failure(fault=Fault.SOURCE, reason="source-gone", detail="404")


async def lost(world: World, clock: MovableClock) -> tuple[dict[str, Any], Chunk]:
    made, job = await world.announced(size=20_000, format="wav")
    chunk = await world.chunk(job)
    moved = chunk.move(ChunkState.LOST, lost_at=clock.now(), failure=GONE)
    return made, await world.writers.chunks.replace(moved)


async def in_trouble(world: World) -> list[str]:
    """Keys of the recordings that need attention, as the summary shows them."""
    body = json.loads((await world.queries.summary()).body)
    return [one["recordingKey"] for one in body["trouble"]["recordings"]]


async def acknowledge(world: World, chunk: Chunk, **given: str) -> tuple[int, dict[str, Any]]:
    body = json.dumps(GIVEN | given).encode()
    answer = await world.commands.acknowledge(chunk.recording_key, chunk.document_id, body, by="master key")
    return answer.status, json.loads(answer.body)


@pytest.mark.storage("memory", "azurite")
async def test_an_acknowledged_loss_needs_no_attention_and_is_kept_in_the_history(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, chunk = await lost(world, clock)
    assert await in_trouble(world) == [chunk.recording_key]
    clock.forward(minutes=5)
    assert (await acknowledge(world, chunk))[0] == 200
    assert await in_trouble(world) == []
    page = json.loads((await world.queries.recordings({"trouble": "true"}, None, by="ada")).body)
    (shown,) = page["recordings"]
    assert (shown["state"], shown["trouble"][0]["acknowledgedBy"]) == ("incomplete", "Ada")
    view = json.loads((await world.commands.get(quote(chunk.recording_id or ""))).body)
    assert view["chunks"][0]["acknowledgedBy"] == "Ada"
    assert [(one["action"], one["by"], one["details"]) for one in view["history"]] == [
        ("acknowledge", "master key", {"documentId": chunk.document_id, "state": "lost", **GIVEN})
    ]


async def test_a_chunk_that_is_lost_again_needs_attention_again(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, chunk = await lost(world, clock)
    await acknowledge(world, chunk)
    assert (await world.commands.replay(chunk.recording_key, by="ada")).status == 202
    clock.forward(minutes=1)
    (again,) = (await world.gateways.catalogue.recording(chunk.recording_key))[1]
    await world.writers.chunks.replace(again.move(ChunkState.LOST, lost_at=clock.now(), failure=GONE))
    assert await in_trouble(world) == [chunk.recording_key]


async def test_only_a_loss_can_be_acknowledged_with_name_and_note(make_world: MakeWorld):
    clock = MovableClock()
    world = await make_world(clock=clock)
    _, job = await world.announced(size=20_000, format="wav")
    status, body = await acknowledge(world, await world.chunk(job))
    assert (status, body["reason"]) == (409, "conflict")
    _, chunk = await lost(world, clock)
    status, body = await acknowledge(world, chunk, note="")
    assert (status, body["errors"][0]["field"]) == (400, "note")
    assert await in_trouble(world) == [chunk.recording_key]


async def test_all_chunks_with_one_reason_are_retried_at_once(world: World):
    jobs = {}
    for name, kind in (("a", "throttle"), ("b", "throttle"), ("other", "html")):
        made, jobs[name] = await world.announced(size=20_000, format="wav")
        await world.fault("download", kind, documentId=made["chunks"][0]["documentId"])
        await world.app.archiving.handle(jobs[name])
    answer = await world.commands.replay_by_reason(b'{"reason": "acs-throttled"}', by="ada")
    assert (answer.status, json.loads(answer.body)) == (202, {"chunks": 2, "more": False, "nextCursor": None})
    assert [(await world.chunk(jobs[name])).next_attempt_at is None for name in jobs] == [True, True, False]
    view = json.loads((await world.commands.get((await world.chunk(jobs["a"])).recording_key)).body)
    assert [(one["action"], one["details"]) for one in view["history"]] == [("replay", {"reason": "acs-throttled"})]
    again = await world.commands.replay_by_reason(b'{"reason": "acs-throttled"}', by="ada")
    assert json.loads(again.body)["chunks"] == 0, "queued chunks aren't queued twice"


@pytest.mark.storage("memory", "azurite")
async def test_chunks_behind_a_thousand_others_are_retried_with_the_cursor(world: World):
    """Otherwise chunks with late deadlines would wait for as long as the first thousand wait for another reason."""
    jobs = {}
    for kind in ("html", "throttle"):
        made, jobs[kind] = await world.announced(size=20_000, format="wav")
        await world.fault("download", kind, documentId=made["chunks"][0]["documentId"])
        await world.app.archiving.handle(jobs[kind])
    other = await world.chunk(jobs["html"])
    item = WorkItem.of_chunk(other, other.deadline)
    async with world.table(world.settings.worklist_table) as table:
        row = dict(await table.get_entity(item.shard, item.row))
        rows = [
            row | {"PartitionKey": item.shard, "RowKey": f"20200101T000000.{number:06d}-"} for number in range(1100)
        ]
        for start in range(0, len(rows), 100):
            await table.submit_transaction([("create", one) for one in rows[start : start + 100]])
    requests, queued, cursor = 0, 0, None
    while requests == 0 or cursor is not None:
        body = json.dumps({"reason": "acs-throttled", "cursor": cursor}).encode()
        answer = json.loads((await world.commands.replay_by_reason(body, by="ada")).body)
        assert answer["more"] is (answer["nextCursor"] is not None)
        requests, queued, cursor = requests + 1, queued + answer["chunks"], answer["nextCursor"]
    assert queued == 1
    assert 2 <= requests <= 4
    assert (await world.chunk(jobs["throttle"])).next_attempt_at is None


@pytest.mark.parametrize(
    "cursor", ["x", "_w", "AA", "J28", "TGF" + "h" * 400]
)  # the third is a zero byte, the fourth has a quote
async def test_a_cursor_that_was_changed_is_refused(world: World, cursor: str):
    body = json.dumps({"reason": "acs-throttled", "cursor": cursor}).encode()
    answer = await world.commands.replay_by_reason(body, by="ada")
    assert (answer.status, json.loads(answer.body)["errors"][0]["field"]) == (400, "cursor")
