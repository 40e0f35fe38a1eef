"""Two lists are read as one. An entry that is left out or out of order is a recording that a search misses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.keys import key_of
from shared.domain.list_entry import ListEntry
from shared.queries.list_walk import ListWalk, merged

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def entry(number: int) -> ListEntry:
    return ListEntry(at=NOON - timedelta(hours=number), recording_key=key_of(str(number)))


async def segments(numbers: set[int], size: int) -> AsyncIterator[list[ListEntry]]:
    ordered = [entry(number) for number in sorted(numbers)]
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
        yield []  # a segment of rows that this version can't read


@given(
    numbers=st.lists(st.sets(st.integers(0, 15)), min_size=1, max_size=3),
    size=st.integers(2, 5),
    page=st.integers(1, 20),
)
async def test_lists_are_merged_newest_first_without_gaps_and_repeats(numbers: list[set[int]], size: int, page: int):
    walk = ListWalk(merged(*(segments(one, size) for one in numbers)))
    found: list[ListEntry] = []
    while entries := await walk.take(page):
        found += entries
    assert found == [entry(number) for number in sorted(set().union(*numbers))]
    assert not await walk.goes_on()
