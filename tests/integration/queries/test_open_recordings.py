"""The list of open recordings is a view of the worklist: what is in it, in which order, and what a page costs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local.memory.storage.account import Account, Operation, apply_at_once
from local.memory.storage.tables import MemoryTableServiceClient
from shared.domain.keys import key_of
from shared.domain.records import Recording
from shared.domain.states import RecordingState
from shared.domain.work_item import WorkItem
from shared.gateways.tables.lists import Lists
from shared.gateways.tables.worklist import Worklist
from shared.queries import open_recordings
from shared.queries.open_recordings import OpenRecordings
from tests.integration.queries.lists import NOON, page
from tests.integration.storages import MovableClock
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def pages(world: World, **parameters: str) -> list[list[str]]:
    """The recordings of each page."""
    found: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        body = await page(world, **parameters, **cursor)
        found.append([one["recordingId"] for one in body["recordings"]])
        if body["nextCursor"] is None:
            return found
        cursor = {"cursor": body["nextCursor"]}


async def running(world: World, number: int, at: datetime | None = None, *, is_old_row: bool = False) -> str:
    """Adds a recording that runs. The row of an older version has no moment."""
    key, listed_at = key_of(str(number)), at or NOON - timedelta(hours=number)
    recording = Recording(
        recording_key=key, recording_id=str(number), listed_at=listed_at, control=RecordingState.ACTIVE
    )
    await world.writers.recordings.merge(recording)
    await world.writers.open_work.add(WorkItem.of_recording(key, str(number), NOON, None if is_old_row else listed_at))
    return str(number)


@pytest.mark.storage("memory", "azurite")
@pytest.mark.parametrize("most", [1000, 1], ids=["of the worklist", "of all recordings, if the worklist is too long"])
async def test_pages_are_newest_first_and_have_each_open_recording_once(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int
):
    ids = [await running(world, number) for number in range(40)]
    await world.announced(size=2000, count=3)  # chunks, newer than the others, in other shards
    ended = Recording(
        recording_key=key_of("failed"), recording_id="failed", listed_at=NOON, control=RecordingState.FAILED
    )
    await world.writers.recordings.merge(ended)
    (newest, *_), *_ = await pages(world, open="true")
    monkeypatch.setattr(open_recordings, "_MOST", most)
    found = await pages(world, open="true", limit="9")
    assert [one for some in found for one in some] == [newest, *ids]
    assert len(found[0]) == 9
    assert await pages(world, state="active", limit="50") == [ids]
    of_a_day = {"from": "2026-03-13", "to": "2026-03-13"}
    assert await pages(world, open="true", **of_a_day) == [[str(number) for number in range(13, 37)]]


async def test_a_cursor_is_valid_on_both_sides_of_the_limit(world: World, monkeypatch: pytest.MonkeyPatch):
    ids = [await running(world, number) for number in range(40)]
    first = await page(world, open="true", limit="10")
    monkeypatch.setattr(open_recordings, "_MOST", 1)
    second = await page(world, open="true", limit="10", cursor=first["nextCursor"])
    monkeypatch.setattr(open_recordings, "_MOST", 1000)
    third = await page(world, open="true", limit="20", cursor=second["nextCursor"])
    assert [one["recordingId"] for body in (first, second, third) for one in body["recordings"]] == ids


@pytest.mark.storage("memory", "azurite")
async def test_rows_of_an_older_version_come_last_and_none_hides_another(world: World, clock: MovableClock):
    old = [await running(world, number, is_old_row=True) for number in range(2)]
    new = [await running(world, number) for number in range(2, 4)]
    async with world.table(world.settings.worklist_table) as table:
        flawed = {"PartitionKey": "0", "RowKey": f"recording-{'0' * 32}", "recordingKey": key_of("9")}
        await table.upsert_entity(flawed)
        await table.upsert_entity({**flawed, "RowKey": "unknown-kind"})
    _, job = await world.announced(size=2000)
    chunk = await world.chunk(job)
    await world.writers.open_work.finish(WorkItem.of_chunk(chunk, chunk.deadline), chunk, clock.now())
    ((*shown,),) = await pages(world, open="true")
    assert (shown[:2], sorted(shown[2:])) == (new, old), "a chunk that only waits to be announced isn't open"
    assert [one for some in await pages(world, open="true", limit="1") for one in some] == shown


@pytest.mark.parametrize(
    ("rows", "asked"), [(0, 16), (15_000, 16), (20_000, 17)], ids=["none", "as many as fit", "an outage"]
)
async def test_a_segment_needs_one_operation_per_shard_and_one_more_in_an_outage(rows: int, asked: int):
    account = Account(clock=MovableClock())
    tables: Any = MemoryTableServiceClient(account)
    for name in ("worklist", "calendar"):
        await tables.create_table(name)
    worklist = Worklist(tables, "worklist", "0123456789abcdef")
    for number in range(rows):
        key = f"{number % 16:x}{number:031x}"
        await worklist.add(WorkItem.of_recording(key, str(number), NOON, NOON + timedelta(seconds=number)))
    operations: list[Operation] = []

    async def counted[T](operation: Operation, apply: Callable[[], T], /) -> T:
        operations.append(operation)
        return await apply_at_once(operation, apply)

    account.turn = counted
    gateways: Any = SimpleNamespace(worklist=worklist, lists=Lists(tables, "calendar"))
    read = OpenRecordings(gateways).read(first=None, last=None, after=None, at_once=26)
    entries = [entry async for segment in read for entry in segment]
    assert len(operations) == asked
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert len(entries) == (rows if asked == 16 else 0), "in an outage, the entries are those of the list by day"
