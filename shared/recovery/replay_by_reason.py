"""Replays all open chunks whose last attempt failed for one reason, for example after ACS's credential was corrected.

        audit, once a recording ──> replay of each chunk (replay.py)
                  1                            2

The worklist has every open chunk, nearest deadline first. A request reads at most about 1,000 of them (64 storage
operations for the worklist, and one for each chunk) and replays about 200. The next request continues at the
cursor of its answer, so the number of requests is bounded by the number of open chunks, whatever the others wait for. A
request without a cursor begins at the first chunk again. It doesn't queue a chunk twice.
"""

import asyncio
import base64
import binascii
import contextlib
import re
from dataclasses import dataclass
from itertools import batched

from shared.domain.clock import Clock
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import Kind, WorkItem
from shared.errors import InvalidRequest
from shared.gateways.bundle import Gateways
from shared.recovery.replay import Replay

_MOST_READ = 1000  # chunks
_MOST_PAGES = 4  # of the worklist
_MOST = 200  # chunks replayed by one request
_ROW = re.compile(r"[0-9A-Za-z.-]{1,200}", re.ASCII)
_AT_ONCE = 16  # chunks read or replayed concurrently


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The number of chunks that were queued. `next_cursor`: where the next request continues, None at the end."""

    chunks: int
    next_cursor: str | None


class ReasonReplay:
    """Replays waiting and failed chunks by the reason of their last failure."""

    def __init__(self, gateways: Gateways, replay: Replay, clock: Clock) -> None:
        self._worklist, self._catalogue, self._audit = gateways.worklist, gateways.catalogue, gateways.audit
        self._replay, self._clock = replay, clock

    async def run(self, reason: str, *, cursor: str | None = None, by: str) -> Replayed:
        """Lost chunks aren't replayed: their sources are gone. Raises InvalidRequest for an invalid cursor."""
        after = _row(cursor)
        audited: set[str] = set()
        replayed = read = 0
        for _ in range(_MOST_PAGES):
            head = await self._worklist.open_chunks(after=after)
            for some in batched(head.items, _AT_ONCE, strict=False):
                if replayed >= _MOST or read >= _MOST_READ:
                    return Replayed(chunks=replayed, next_cursor=_cursor(after))
                wanted = await self._wanted(some, reason)
                await self._write_audit({chunk.recording_key for chunk in wanted} - audited, reason, by)
                audited |= {chunk.recording_key for chunk in wanted}
                replayed += sum(await asyncio.gather(*map(self._replay.restart, wanted)))
                read, after = read + len(some), some[-1].row
            if head.is_all:
                return Replayed(chunks=replayed, next_cursor=None)
        return Replayed(chunks=replayed, next_cursor=_cursor(after))

    async def _wanted(self, items: tuple[WorkItem, ...], reason: str) -> list[Chunk]:
        readable = [item for item in items if item.kind is Kind.CHUNK and item.flaw is None]
        found = await asyncio.gather(*map(self._catalogue.chunk_of, readable))
        return [chunk for chunk in found if isinstance(chunk, Chunk) and _is_wanted(chunk, reason)]

    async def _write_audit(self, recording_keys: set[str], reason: str, by: str) -> None:
        entry = AuditEntry(at=self._clock.now(), action="replay", by=by, details={"reason": reason})
        await asyncio.gather(*(self._audit.add(key, entry) for key in sorted(recording_keys)))


def _is_wanted(chunk: Chunk, reason: str) -> bool:
    """A pending chunk without a time for its next attempt is queued already."""
    waits = chunk.state is ChunkState.PENDING and chunk.next_attempt_at is not None
    return chunk.reason == reason and (waits or chunk.state is ChunkState.FAILED)


def _cursor(row: str) -> str:
    return base64.urlsafe_b64encode(row.encode()).decode().rstrip("=")


def _row(cursor: str | None) -> str:
    """The worklist's row after which the request continues. A forged one only leads to another row."""
    if cursor is None:
        return ""
    with contextlib.suppress(binascii.Error, ValueError):
        row = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        if _ROW.fullmatch(row):
            return row
    raise InvalidRequest.of("cursor", "must be the unchanged nextCursor of an earlier answer")
