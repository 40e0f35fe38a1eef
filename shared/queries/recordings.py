"""Lists of recordings: which ones, newest first, a page at a time.

A page reads one list of the calendar, the narrowest that its filters name, and looks up in the catalogue what stands on
it: one operation for each recording, so a page costs a page whatever the catalogue holds, and shows no state but the
catalogue's own. Filters beside the one that chose the list are held against what was looked up; how many a request
looks up for them is bounded, and the cursor says how far it came.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import batched

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
from shared.queries.list_item import Standing
from shared.settings.settings import Settings

log = logger("listing")

_LOOKS = 200  # recordings looked up for one page at most
_SEGMENTS = 20  # operations on the list itself at most: on some lists a recording has a row for each of its chunks
_AT_ONCE = 32  # partitions read together

_TROUBLED = frozenset({RecordingState.OVERDUE, RecordingState.INCOMPLETE})
# Those that the worklist has: others may have left it.
_AWAITED = (
    frozenset(RecordingState) - _TROUBLED - {RecordingState.ARCHIVED, RecordingState.EXPIRED, RecordingState.FAILED}
)
_BY_VALUE = {
    "server_call_id": ListName.SERVER_CALL,
    "call_id": ListName.CALL,
    "call_connection_id": ListName.CALL_CONNECTION,
    "correlation": ListName.CORRELATION,
}


@dataclass(frozen=True, kw_only=True)
class _List:
    """The list that a query reads, and the filter that is answered by its being that list."""

    lists: Lists
    heading: str
    answers: str | None = None


class Listing:
    """Finds recordings."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._lists = gateways.catalogue, gateways.lists
        self._participants, self._clock, self._settings = gateways.participants, clock, settings

    async def page(self, query: ListQuery, *, by: str) -> RecordingsPage:
        """The next page. Raises InvalidRequest for a cursor that no answer gave, ParticipantsOff without a secret.

        A search by participant is a read of personal data: a log line says who made it, under the person's pseudonym.
        """
        chosen = self._choose(query)
        after = _position(query.cursor)
        if query.participant is not None:
            pseudonym = self._pseudonym(query.participant)
            log.info("searched by participant", extra={"action": "search", "pseudonym": pseudonym, "by": by})
        walk = _Walk(
            chosen.lists.read(chosen.heading, first=query.first, last=query.last, after=after, at_once=query.limit + 1)
        )
        found: dict[str, ListedRecording] = {}
        looks = 0
        reached = after
        while len(found) < query.limit and looks < _LOOKS:
            # Where few of those looked up are wanted, more are looked up together.
            places = await walk.take(min(max(query.limit - len(found), looks), _LOOKS - looks))
            if not places:
                break
            looks += len(places)
            for place, standing in zip(places, await self._look_up(places), strict=True):
                if len(found) == query.limit:
                    return _page(found, reached)
                reached = place
                if standing is not None and self._is_wanted(standing, place, query, chosen):
                    found[place.recording_key] = standing.shown()
        return _page(found, reached if await walk.goes_on() else None)

    def _choose(self, query: ListQuery) -> _List:
        """The narrowest list: a person's, a call's, what is in trouble or open, and every recording at last."""
        if query.participant is not None:
            heading = ListName.PARTICIPANT.of(self._pseudonym(query.participant))
            return _List(lists=self._participants, heading=heading)
        for name, heading in _BY_VALUE.items():
            value = getattr(query, name)
            if value is not None:
                return _List(lists=self._lists, heading=heading.of(value), answers=name)
        if query.trouble or query.state in _TROUBLED:
            return _List(lists=self._lists, heading=ListName.TROUBLE)
        if query.open or query.state in _AWAITED:
            return _List(lists=self._lists, heading=ListName.OPEN)
        return _List(lists=self._lists, heading=ListName.DAY)

    def _pseudonym(self, participant: str) -> str:
        secret = self._settings.participants_secret
        if secret is None:
            raise ParticipantsOff(
                "set PARTICIPANTS_SECRET to 32 random characters, then run python -m shared.rebuild --apply"
            )
        return pseudonym_of(participant, secret)

    async def _look_up(self, places: list[ListEntry]) -> list[Standing | None]:
        looked: list[Standing | None] = []
        for some in batched(places, _AT_ONCE, strict=False):
            looked += await asyncio.gather(*map(self._standing, some))
        return looked

    async def _standing(self, place: ListEntry) -> Standing | None:
        recording, chunks = await self._catalogue.recording(place.recording_key)
        return None if recording is None else Standing(recording=recording, chunks=chunks)

    def _is_wanted(self, standing: Standing, place: ListEntry, query: ListQuery, chosen: _List) -> bool:
        recording = standing.recording
        if place.chunk_key is None and place.at != recording.listed_at:
            return False  # entered by a start that was repeated, or overtaken by its event: it stands elsewhere, too
        wanted = (
            query.state in (None, standing.state),
            not query.open or standing.is_open(self._clock.now()),
            not query.trouble or standing.state in _TROUBLED,
            *(getattr(query, name) in (None, getattr(recording, name)) for name in _BY_VALUE if name != chosen.answers),
        )
        return all(wanted)


class _Walk:
    """Goes along a list, from recording to recording."""

    def __init__(self, segments: AsyncIterator[list[ListEntry]]) -> None:
        self._segments = segments
        self._left = _SEGMENTS
        self._ended = False
        self._ahead: list[ListEntry] = []
        self._last: ListEntry | None = None

    async def take(self, number: int) -> list[ListEntry]:
        """The next ones; fewer at the end of the list, or of what a request may read."""
        while len(self._ahead) < number and not self._ended and self._left:
            await self._look_ahead()
        taken, self._ahead = self._ahead[:number], self._ahead[number:]
        return taken

    async def goes_on(self) -> bool:
        if not self._ahead and not self._ended and self._left:
            await self._look_ahead()
        return bool(self._ahead) or not self._ended

    async def _look_ahead(self) -> None:
        """Rows of one recording's chunks follow each other: the first stands for all of them."""
        segment = await anext(self._segments, None)
        if segment is None:
            self._ended = True
            return
        self._left -= 1
        for place in segment:
            if self._last is None or (place.at, place.recording_key) != (self._last.at, self._last.recording_key):
                self._ahead.append(place)
            self._last = place


def _page(found: dict[str, ListedRecording], reached: ListEntry | None) -> RecordingsPage:
    cursor = None
    if reached is not None:
        row = ListEntry(at=reached.at, recording_key=reached.recording_key).row()
        cursor = base64.urlsafe_b64encode(row.encode()).decode().rstrip("=")
    return RecordingsPage(recordings=list(found.values()), next_cursor=cursor)


def _position(cursor: str | None) -> ListEntry | None:
    """Where a cursor points: a place and nothing else, so one that was made up leads to another page at most."""
    if cursor is None:
        return None
    try:
        place = ListEntry.read(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        )
    except (binascii.Error, ValueError):
        place = None
    if place is None or place.chunk_key is not None:
        raise InvalidRequest.of("cursor", "must be the nextCursor of an answer, as it was given")
    return place
