"""The list of the quarantine, newest first: what couldn't be processed, why, and since when.

Blobs are listed by name, and an entry's name is a digest. So a request lists the names of all entries, up to a limit,
sorts them by time, and reads the files of one page.
"""

import asyncio
import base64
import binascii
from datetime import UTC, datetime
from itertools import batched

from shared.contracts import lenient_json
from shared.contracts.http.quarantine_view import QuarantineEntry, QuarantineKind, QuarantinePage, QuarantineQuery
from shared.errors import InvalidRequest
from shared.gateways.blobs.quarantine import Folder, QuarantinedBlob
from shared.gateways.bundle import Gateways

_MOST_LISTED = 20_000  # names; storage returns 5000 with each operation
_AT_ONCE = 8  # files read concurrently; a file has at most about 1 MiB
_KINDS = {
    Folder.EVENTS: QuarantineKind.EVENT,
    Folder.CALLBACKS: QuarantineKind.CALLBACK,
    Folder.JOBS: QuarantineKind.JOB,
}


class QuarantineList:
    """Lists the quarantine."""

    def __init__(self, gateways: Gateways) -> None:
        self._quarantine = gateways.quarantine

    async def page(self, query: QuarantineQuery) -> QuarantinePage:
        """The page after the query's cursor. Raises InvalidRequest for an invalid cursor."""
        after = _position(query.cursor)
        listed = await self._quarantine.listed(_MOST_LISTED)
        of_kind = [one for one in listed.blobs if query.kind in (None, _KINDS[one.folder])]
        newest = sorted(of_kind, key=_order, reverse=True)
        following = [one for one in newest if after is None or _order(one) < after]
        shown = following[: query.limit]
        entries: list[QuarantineEntry] = []
        for some in batched(shown, _AT_ONCE, strict=False):
            entries += await asyncio.gather(*map(self._entry, some))
        return QuarantinePage(
            entries=entries,
            total=len(of_kind),
            not_replayed=sum(one.replayed_at is None for one in of_kind),
            complete=listed.complete,
            next_cursor=_cursor(shown[-1]) if len(following) > len(shown) else None,
        )

    async def _entry(self, blob: QuarantinedBlob) -> QuarantineEntry:
        content = lenient_json.Members(_parsed(await self._quarantine.read(blob.name)))
        event = content.inner("event")
        kind = _KINDS[blob.folder]
        return QuarantineEntry(
            name=blob.name,
            quarantine_id=blob.name.removesuffix(".json") if kind is QuarantineKind.EVENT else None,
            kind=kind,
            reason=content.read("reason", _text),
            received_at=content.read("receivedAt", lenient_json.moment) or blob.created_at,
            by=content.read("by", _text),
            event_id=event.read("id", lenient_json.identifier),
            event_type=event.read("eventType", lenient_json.word) or event.read("type", lenient_json.word),
            size=blob.size,
            replayed_at=blob.replayed_at,
        )


def _parsed(body: bytes | None) -> object:
    """The file's JSON. None if the file was removed meanwhile, or isn't JSON."""
    try:
        return None if body is None else lenient_json.parse(body)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _order(blob: QuarantinedBlob) -> tuple[str, str]:
    return blob.created_at.astimezone(UTC).isoformat(), blob.name


def _cursor(blob: QuarantinedBlob) -> str:
    return base64.urlsafe_b64encode(" ".join(_order(blob)).encode()).decode().rstrip("=")


def _position(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        at, space, name = text.partition(" ")
        datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        space = ""
    if not space:
        raise InvalidRequest.of("cursor", "must be the unchanged nextCursor of an earlier answer")
    return at, name
