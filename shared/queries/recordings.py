"""Lists of recordings: which ones, newest first, a page at a time.

1. The filters choose the most specific list. That of open recordings is a view of the worklist.
2. The entries of a page are read from that list.
3. Each entry's recording is looked up in the catalogue, with one operation, and compared with the other filters.

So the cost of a page doesn't grow with the catalogue, and each state shown is the catalogue's. The number of look-ups
in a request has a limit. If the limit is reached, the page is shorter, and its cursor continues after the last entry.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import batched
from typing import Protocol

from shared.bookkeeping.recordings import has_label, listed_values
from shared.contracts.http.list_query import ListQuery
from shared.contracts.http.list_views import ListedRecording, NotIndexedView, RecordingsPage
from shared.domain.clock import Clock
from shared.domain.keys import pseudonym_of
from shared.domain.list_entry import OLDEST, ListEntry, ListName
from shared.domain.participant_ids import searched
from shared.domain.states import RecordingState
from shared.errors import ParticipantsOff
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.queries.list_cursor import cursor_after, filters_of, position
from shared.queries.list_item import RecordingItem
from shared.queries.list_walk import ListWalk, merged
from shared.queries.not_indexed import NotIndexed
from shared.queries.open_recordings import OpenRecordings
from shared.settings.settings import Settings

log = logger("listing")

_MOST_LOOKED_UP = 200  # recordings that one request looks up
_AT_ONCE = 32  # recordings looked up concurrently

_TROUBLED = frozenset({RecordingState.OVERDUE, RecordingState.INCOMPLETE})
# States of recordings that are always on the list of open recordings.
_AWAITED = (
    frozenset(RecordingState) - _TROUBLED - {RecordingState.ARCHIVED, RecordingState.EXPIRED, RecordingState.FAILED}
)


class _Read(Protocol):
    """Reads a list, see `Lists.read`."""

    def __call__(
        self, *, first: date | None, last: date | None, after: ListEntry | None, at_once: int
    ) -> AsyncIterator[list[ListEntry]]: ...


@dataclass(frozen=True, kw_only=True)
class _List:
    """The list that a query reads, or several that are read as one: a person may be listed under two spellings.

    `answers`: all of its entries have the value of this filter.
    """

    reads: tuple[_Read, ...]
    answers: ListName | None = None


class Listing:
    """Finds recordings."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._lists = gateways.catalogue, gateways.lists
        self._participants, self._clock, self._settings = gateways.participants, clock, settings
        self._open, self._not_indexed = OpenRecordings(gateways), NotIndexed(gateways)

    async def page(self, query: ListQuery, *, by: str) -> RecordingsPage:
        """Returns the page after the query's cursor.

        A search by participant reads personal data, so a log line names the caller and the participant's pseudonym.
        Its first page also counts the recordings whose participants aren't known yet.
        Raises InvalidRequest for an invalid cursor, ParticipantsOff if PARTICIPANTS_SECRET isn't set.
        """
        pseudonyms = self._pseudonyms(query.participant)
        chosen, filters = self._choose(query, pseudonyms), filters_of(query, pseudonyms)
        after = position(query.cursor, filters)
        not_indexed = None
        if pseudonyms:
            log.info("participant search", extra={"action": "search", "pseudonym": pseudonyms[0], "by": by})
            not_indexed = await self._not_indexed.count(query) if after is None else None
        read = [one(first=query.first, last=query.last, after=after, at_once=query.limit + 1) for one in chosen.reads]
        walk = ListWalk(merged(*read))
        found: dict[str, ListedRecording] = {}
        looked_up = 0
        reached = after
        while len(found) < query.limit and looked_up < _MOST_LOOKED_UP:
            # If few recordings match the filters, look up more of them at once.
            entries = await walk.take(min(max(query.limit - len(found), looked_up), _MOST_LOOKED_UP - looked_up))
            if not entries:
                break
            looked_up += len(entries)
            for entry, item in zip(entries, await self._look_up(entries), strict=True):
                if len(found) == query.limit:
                    return _page(found, reached, filters, not_indexed)
                reached = entry
                if item is not None and self._is_wanted(item, entry, query, chosen):
                    found[entry.recording_key] = item.shown()
        return _page(found, reached if await walk.goes_on() else None, filters, not_indexed)

    def _choose(self, query: ListQuery, pseudonyms: tuple[str, ...]) -> _List:
        """The most specific list: a participant's, a call's, a label's, trouble, the open list, or all by day."""
        if pseudonyms:
            read, of = self._participants.read, ListName.PARTICIPANT.of
            return _List(reads=tuple(partial(read, of(pseudonym)) for pseudonym in pseudonyms))
        read = self._lists.read
        for name, value in listed_values(query).items():
            if value is not None:
                return _List(reads=(partial(read, name.of(value)),), answers=name)
        if query.label is not None:
            return _List(reads=(partial(read, ListName.LABEL.of(query.label)),))
        if query.trouble or query.attention or query.state in _TROUBLED:
            return _List(reads=(partial(read, ListName.TROUBLE),))
        if query.open or query.state in _AWAITED:
            return _List(reads=(self._open.read,))
        return _List(reads=(partial(read, ListName.DAY),))

    def _pseudonyms(self, participant: str | None) -> tuple[str, ...]:
        """The pseudonyms under which the participant may be listed, the usual one first. None without a participant."""
        if participant is None:
            return ()
        secret = self._settings.participants_secret
        if secret is None:
            raise ParticipantsOff(
                "set PARTICIPANTS_SECRET to 32 random characters, then rebuild the lists (docs/queries.md#participants)"
            )
        return tuple(pseudonym_of(one, secret) for one in searched(participant))

    async def _look_up(self, entries: list[ListEntry]) -> list[RecordingItem | None]:
        items: list[RecordingItem | None] = []
        for some in batched(entries, _AT_ONCE, strict=False):
            items += await asyncio.gather(*map(self._item, some))
        return items

    async def _item(self, entry: ListEntry) -> RecordingItem | None:
        recording, chunks = await self._catalogue.recording(entry.recording_key)
        return None if recording is None else RecordingItem(recording=recording, chunks=chunks)

    def _is_wanted(self, item: RecordingItem, entry: ListEntry, query: ListQuery, chosen: _List) -> bool:
        recording = item.recording
        if entry.chunk_key is None and entry.at not in (recording.listed_at, OLDEST):
            return False  # a repeated start, or a start after its event, added this entry; the list has another one
        values = listed_values(recording)
        wanted = (
            query.state in (None, item.state),
            not query.open or item.is_open(self._clock.now()),
            not query.trouble or item.state in _TROUBLED,
            not query.attention or item.needs_attention,
            has_label(recording, query.label),
            *(value in (None, values[name]) for name, value in listed_values(query).items() if name != chosen.answers),
        )
        return all(wanted)


def _page(
    found: dict[str, ListedRecording], reached: ListEntry | None, filters: str, not_indexed: NotIndexedView | None
) -> RecordingsPage:
    cursor = None if reached is None else cursor_after(reached, filters)
    return RecordingsPage(recordings=list(found.values()), next_cursor=cursor, not_indexed=not_indexed)
