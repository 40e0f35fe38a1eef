"""The open recordings as a list, newest first: a view of the worklist.

        worklist, all shards ──> entries, newest first        too many rows ──> list of all recordings by day
                 1                         2                         1                         2

The worklist is sorted by deadline, so its newest recordings can only be found by reading all of it. It has only open
items, and one operation per shard reads a thousand rows. If a shard has more, for example in an outage, the list of all
recordings takes its place: it has every open recording, in the same order, and under the same cursor. The caller looks
up each entry and leaves out recordings that aren't open. Then it also shows overdue recordings that are no longer
watched, because only the worklist tells them apart.

The shards aren't read at one moment. A recording whose first event arrives meanwhile may be missing from this answer.
"""

from collections.abc import AsyncIterator
from datetime import UTC, date

from shared.domain.list_entry import AFTER_CHUNKS, ListEntry, ListName
from shared.gateways.bundle import Gateways

_MOST = 1000  # rows of a shard: one operation


class OpenRecordings:
    """Chunks, and recordings whose files haven't arrived yet."""

    def __init__(self, gateways: Gateways) -> None:
        self._worklist, self._lists = gateways.worklist, gateways.lists

    async def read(
        self, *, first: date | None, last: date | None, after: ListEntry | None, at_once: int
    ) -> AsyncIterator[list[ListEntry]]:
        """See `Lists.read`. Needs one operation per shard, and those of `Lists.read` if there are too many rows."""
        head = await self._worklist.glance(_MOST)
        if not head.is_all:
            days = self._lists.read(ListName.DAY, first=first, last=last, after=after, at_once=at_once)
            async for segment in days:
                yield segment
            return
        entries = [entry for item in head.items if (entry := item.entry) is not None]
        if after is not None:
            end = after.row() + AFTER_CHUNKS
            entries = [entry for entry in entries if entry.row() > end]
        earliest, latest = first or date.min, last or date.max
        yield sorted((one for one in entries if earliest <= one.at.astimezone(UTC).date() <= latest), key=ListEntry.row)
