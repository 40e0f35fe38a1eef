"""Lists of one table share a partition: an entry is added to all of them at once, and each is read on its own."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.domain.list_entry import ListEntry, ListName
from tests.integration.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("memory", "azurite")]

MIDNIGHT = datetime(2026, 3, 14, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def entry(number: int, at: datetime, chunk: int | None = None) -> ListEntry:
    return ListEntry(at=at, recording_key=f"{number:032x}", chunk_key=None if chunk is None else f"{chunk:032x}")


async def read(
    world: World, name: str, *, first: date | None = None, last: date | None = None, after: ListEntry | None = None
) -> list[ListEntry]:
    segments = world.gateways.lists.read(name, first=first, last=last, after=after, at_once=3)
    return [one async for segment in segments for one in segment]


async def test_an_entry_is_added_to_many_lists_and_each_list_has_only_its_own(world: World):
    names = [ListName.LABEL.of(f"case={number}") for number in range(250)]  # three transactions
    first, second = entry(1, MIDNIGHT), entry(2, MIDNIGHT)
    await world.gateways.lists.add(first, ListName.DAY, *names)
    await world.gateways.lists.add(second, ListName.DAY)
    await world.gateways.lists.add(second)
    await world.gateways.lists.add(first, ListName.DAY)  # a repetition adds nothing
    assert await read(world, ListName.DAY) == [first, second]
    for name in (names[0], names[99], names[100], names[249]):
        assert await read(world, name) == [first]
    assert await read(world, ListName.TROUBLE) == []


async def test_days_begin_and_end_at_midnight_and_the_newest_entry_is_first(world: World):
    moments = [MIDNIGHT + timedelta(days=day) + offset for day in (-1, 0, 1) for offset in (-INSTANT, timedelta())]
    entries = [entry(number, at) for number, at in enumerate(moments)]
    for one in entries:
        await world.gateways.lists.add(one, ListName.DAY)
    newest_first = entries[::-1]
    day = MIDNIGHT.date()
    assert await read(world, ListName.DAY) == newest_first
    assert await read(world, ListName.DAY, first=day, last=day) == newest_first[1:3]
    assert await read(world, ListName.DAY, first=day) == newest_first[:3]
    assert await read(world, ListName.DAY, last=day) == newest_first[1:]
    assert await read(world, ListName.DAY, first=date.min, last=date.max) == newest_first
    assert await read(world, ListName.DAY, last=date.min) == []
    assert await read(world, ListName.DAY, first=date.max) == []


async def test_a_list_continues_after_all_chunks_of_a_recording(world: World):
    before, after = entry(1, MIDNIGHT), entry(3, MIDNIGHT)
    chunks = [entry(2, MIDNIGHT, chunk) for chunk in range(3)]
    for one in (before, *chunks, after):
        await world.gateways.lists.add(one, ListName.TROUBLE)
    assert await read(world, ListName.TROUBLE, after=before) == [*chunks, after]
    assert await read(world, ListName.TROUBLE, after=entry(2, MIDNIGHT)) == [after]
    later = (MIDNIGHT - timedelta(days=1)).date()
    assert await read(world, ListName.TROUBLE, last=later, after=entry(2, MIDNIGHT)) == []
    assert await read(world, ListName.TROUBLE, last=MIDNIGHT.date(), after=entry(2, MIDNIGHT)) == [after]
