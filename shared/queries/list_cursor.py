"""The cursor of a list: the last entry that the page read, and a digest of the filters that the page was read with.

A cursor with other filters would continue in the middle of another list and leave recordings out, so it is refused.
A cursor has no other meaning: a forged one can only lead to another page.
"""

import base64
import binascii
import hashlib

from shared.contracts.http.list_query import ListQuery
from shared.domain.list_entry import ListEntry
from shared.errors import InvalidRequest

_DIGEST_HEX = 16
_CHANGED = "must be the unchanged nextCursor of an earlier answer"
_OTHER_FILTERS = (
    "belongs to a list with other filters: send the filters that gave this nextCursor, or leave cursor out to start at "
    "the first page. Only limit may change from page to page"
)


def filters_of(query: ListQuery, pseudonyms: tuple[str, ...]) -> str:
    """A digest of a query's filters. `pseudonyms`: those of the participant, if the query names one.

    The digest has no trace of the participant's ID, which could be guessed from an unkeyed digest.
    """
    given = query.model_dump_json(exclude={"limit", "cursor", "participant"})
    return hashlib.sha256(f"{given}{pseudonyms}".encode()).hexdigest()[:_DIGEST_HEX]


def cursor_after(entry: ListEntry, filters: str) -> str:
    row = ListEntry(at=entry.at, recording_key=entry.recording_key).row()
    return base64.urlsafe_b64encode(f"{row}.{filters}".encode()).decode().rstrip("=")


def position(cursor: str | None, filters: str) -> ListEntry | None:
    """The list entry in a cursor. Raises InvalidRequest for an invalid cursor, or one of other filters."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        row, dot, given = text.partition(".")
        entry = ListEntry.read(row)
    except (binascii.Error, ValueError):
        raise InvalidRequest.of("cursor", _CHANGED) from None
    if entry.chunk_key is not None or not dot:
        raise InvalidRequest.of("cursor", _CHANGED)
    if given != filters:
        raise InvalidRequest.of("cursor", _OTHER_FILTERS)
    return entry
