"""The recordings that a search by participant can't find yet, because their participants aren't known.

A chunk's participants are known once its metadata file is in the archive. A recording that runs, whose files ACS hasn't
reported, or whose chunks are being copied or failed is on the list of open recordings or on the list of trouble. So
these two lists have all recordings that count, and nothing scans the catalogue.
"""

import asyncio
from functools import partial
from itertools import batched

from shared.bookkeeping.recordings import has_label, listed_values
from shared.contracts.http.list_query import ListQuery
from shared.contracts.http.list_views import NotIndexedView
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.states import RecordingState
from shared.gateways.bundle import Gateways
from shared.queries.list_item import UNKNOWN, RecordingItem
from shared.queries.list_walk import ListWalk, merged
from shared.queries.open_recordings import OpenRecordings

_MOST_LOOKED_UP = 100  # recordings
_AT_ONCE = 32


class NotIndexed:
    """Counts recordings whose participants aren't known."""

    def __init__(self, gateways: Gateways) -> None:
        self._lists, self._catalogue = gateways.lists, gateways.catalogue
        self._open = OpenRecordings(gateways)

    async def count(self, query: ListQuery) -> NotIndexedView:
        """Counts those that match the query's days, calls, correlation and label."""
        read = (self._open.read, partial(self._lists.read, ListName.TROUBLE))
        lists = [one(first=query.first, last=query.last, after=None, at_once=_MOST_LOOKED_UP + 1) for one in read]
        walk = ListWalk(merged(*lists))
        entries = await walk.take(_MOST_LOOKED_UP)
        complete = not await walk.goes_on()
        states: dict[str, int] = {}
        for some in batched(entries, _AT_ONCE, strict=False):
            for item in await asyncio.gather(*map(self._item, some)):
                if item is not None and _counts(item) and _matches(item, query):
                    state = str(item.state or UNKNOWN)
                    states[state] = states.get(state, 0) + 1
        return NotIndexedView(recordings=sum(states.values()), by_state=states, complete=complete)

    async def _item(self, entry: ListEntry) -> RecordingItem | None:
        recording, chunks = await self._catalogue.recording(entry.recording_key)
        return None if recording is None else RecordingItem(recording=recording, chunks=chunks)


def _counts(item: RecordingItem) -> bool:
    """Whether a file may still name more participants."""
    if item.state is RecordingState.FAILED:
        return False
    return not item.recording.is_whole(item.chunks) or any(chunk.archived_at is None for chunk in item.chunks)


def _matches(item: RecordingItem, query: ListQuery) -> bool:
    known = listed_values(item.recording)
    if not has_label(item.recording, query.label):
        return False
    return all(value in (None, known[name]) for name, value in listed_values(query).items())
