"""Lists of recordings: which ones, newest first, a page at a time.

1. The filters choose the most specific list.
2. The entries of a page are read from that list.
3. Each entry's recording is looked up in the catalogue, with one operation, and compared with the other filters.

So the cost of a page doesn't grow with the catalogue, and each state shown is the catalogue's. The number of look-ups
in a request has a limit. If the limit is reached, the page is shorter, and its cursor continues after the last entry.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import batched

from shared.bookkeeping.recordings import listed_values
from shared.contracts.http.list_query import ListQuery
from shared.contracts.http.list_views import ListedRecording, RecordingsPage
from shared.domain.clock import Clock
from shared.domain.keys import pseudonym_of
from shared.domain.list_entry import ListEntry, ListName
from shared.domain.states import RecordingState
from shared.errors import InvalidRequest, ParticipantsOff
from shared.gateways.bundle import Gateways
from shared.gateways.tables.lists import Lists
from shared.observability.logs import logger
from shared.queries.list_item import RecordingItem
from shared.settings.settings import Settings

log = logger("listing")

_MOST_LOOKED_UP = 200  # recordings that one request looks up
_SEGMENTS = 20  # the most reads of the list in one request; on some lists a recording has a row for each chunk
_AT_ONCE = 32  # recordings looked up concurrently

_TROUBLED = frozenset({RecordingState.OVERDUE, RecordingState.INCOMPLETE})
# States of recordings that are always on the list of open recordings.
_AWAITED = (
    frozenset(RecordingState) - _TROUBLED - {RecordingState.ARCHIVED, RecordingState.EXPIRED, RecordingState.FAILED}
)


@dataclass(frozen=True, kw_only=True)
class _List:
    """The list that a query reads. `answers`: all of its entries have the value of this filter."""

    lists: Lists
    heading: str
    answers: ListName | None = None


class Listing:
    """Finds recordings."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._lists = gateways.catalogue, gateways.lists
        self._participants, self._clock, self._settings = gateways.participants, clock, settings

    async def page(self, query: ListQuery, *, by: str) -> RecordingsPage:
        """Returns the page after the query's cursor.

        A search by participant reads personal data, so a log line names the caller and the participant's pseudonym.
        Raises InvalidRequest for an invalid cursor, ParticipantsOff if PARTICIPANTS_SECRET isn't set.
        """
        chosen = self._choose(query)
        after = _position(query.cursor)
        if query.participant is not None:
            pseudonym = self._pseudonym(query.participant)
            log.info("participant search", extra={"action": "search", "pseudonym": pseudonym, "by": by})
        walk = _Walk(
            chosen.lists.read(chosen.heading, first=query.first, last=query.last, after=after, at_once=query.limit + 1)
        )
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
                    return _page(found, reached)
                reached = entry
                if item is not None and self._is_wanted(item, entry, query, chosen):
                    found[entry.recording_key] = item.shown()
        return _page(found, reached if await walk.goes_on() else None)

    def _choose(self, query: ListQuery) -> _List:
        """The most specific list: a participant's, a call's, the trouble list, the open list, or all by day."""
        if query.participant is not None:
            heading = ListName.PARTICIPANT.of(self._pseudonym(query.participant))
            return _List(lists=self._participants, heading=heading)
        for name, value in listed_values(query).items():
            if value is not None:
                return _List(lists=self._lists, heading=name.of(value), answers=name)
        if query.trouble or query.state in _TROUBLED:
            return _List(lists=self._lists, heading=ListName.TROUBLE)
        if query.open or query.state in _AWAITED:
            return _List(lists=self._lists, heading=ListName.OPEN)
        return _List(lists=self._lists, heading=ListName.DAY)

    def _pseudonym(self, participant: str) -> str:
        secret = self._settings.participants_secret
        if secret is None:
            raise ParticipantsOff(
                "set PARTICIPANTS_SECRET to 32 random characters, then rebuild the lists (docs/queries.md#participants)"
            )
        return pseudonym_of(participant, secret)

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
        if entry.chunk_key is None and entry.at != recording.listed_at:
            return False  # a repeated start, or a start after its event, added this entry; the list has another one
        values = listed_values(recording)
        wanted = (
            query.state in (None, item.state),
            not query.open or item.is_open(self._clock.now()),
            not query.trouble or item.state in _TROUBLED,
            *(value in (None, values[name]) for name, value in listed_values(query).items() if name != chosen.answers),
        )
        return all(wanted)


class _Walk:
    """Reads a list recording by recording."""

    def __init__(self, segments: AsyncIterator[list[ListEntry]]) -> None:
        self._segments = segments
        self._left = _SEGMENTS
        self._ended = False
        self._ahead: list[ListEntry] = []
        self._last: ListEntry | None = None

    async def take(self, number: int) -> list[ListEntry]:
        """The next entries, one a recording. Fewer at the end of the list, or when a request has read enough of it."""
        while len(self._ahead) < number and not self._ended and self._left:
            await self._read_ahead()
        taken, self._ahead = self._ahead[:number], self._ahead[number:]
        return taken

    async def goes_on(self) -> bool:
        if not self._ahead and not self._ended and self._left:
            await self._read_ahead()
        return bool(self._ahead) or not self._ended

    async def _read_ahead(self) -> None:
        """Reads more rows. The rows of one recording's chunks are next to each other; only the first is kept."""
        segment = await anext(self._segments, None)
        if segment is None:
            self._ended = True
            return
        self._left -= 1
        for entry in segment:
            if self._last is None or (entry.at, entry.recording_key) != (self._last.at, self._last.recording_key):
                self._ahead.append(entry)
            self._last = entry


def _page(found: dict[str, ListedRecording], reached: ListEntry | None) -> RecordingsPage:
    cursor = None
    if reached is not None:
        row = ListEntry(at=reached.at, recording_key=reached.recording_key).row()
        cursor = base64.urlsafe_b64encode(row.encode()).decode().rstrip("=")
    return RecordingsPage(recordings=list(found.values()), next_cursor=cursor)


def _position(cursor: str | None) -> ListEntry | None:
    """The list entry in a cursor. A cursor has nothing else, so a forged one can only lead to another page."""
    if cursor is None:
        return None
    try:
        entry = ListEntry.read(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        )
    except (binascii.Error, ValueError):
        entry = None
    if entry is None or entry.chunk_key is not None:
        raise InvalidRequest.of("cursor", "must be the unchanged nextCursor of an earlier answer")
    return entry
