"""Reads a list recording by recording, or several lists as if they were one."""

from collections.abc import AsyncIterator

from shared.domain.list_entry import ListEntry

_SEGMENTS = 20  # the most reads of the list in one request; on some lists a recording has a row for each chunk


async def merged(*lists: AsyncIterator[list[ListEntry]]) -> AsyncIterator[list[ListEntry]]:
    """The segments of several lists in the order of one list: rows ascending, and therefore newest first."""
    ahead: dict[AsyncIterator[list[ListEntry]], list[ListEntry]] = {one: [] for one in lists}
    while ahead:
        for one, entries in list(ahead.items()):
            if not entries:
                segment = await anext(one, None)
                if segment is None:
                    del ahead[one]
                else:
                    ahead[one] = segment
        filled = [entries for entries in ahead.values() if entries]
        if len(filled) < len(ahead):
            continue  # a segment was empty: read that list again
        # Each list has only later rows after its last one, so all rows up to the first of these can be passed on.
        until = min((entries[-1].row() for entries in filled), default="")
        yield sorted((entry for entries in filled for entry in entries if entry.row() <= until), key=ListEntry.row)
        ahead = {one: [entry for entry in entries if entry.row() > until] for one, entries in ahead.items()}


class ListWalk:
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
