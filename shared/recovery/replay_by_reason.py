"""Replays all open chunks whose last attempt failed for one reason, for example after ACS's credential was corrected.

        audit, once a recording ──> replay of each chunk (replay.py)
                  1                            2

The worklist has every open chunk, nearest deadline first. A request reads and replays a bounded number of chunks. It
doesn't find a chunk again that it has queued, so repeating it continues with the others.
"""

import asyncio
from dataclasses import dataclass
from itertools import batched

from shared.domain.clock import Clock
from shared.domain.records import AuditEntry, Chunk
from shared.domain.states import ChunkState
from shared.domain.work_item import Kind
from shared.gateways.bundle import Gateways
from shared.recovery.replay import Replay

_MOST_READ = 1000  # chunks
_MOST = 200  # chunks replayed by one request
_AT_ONCE = 16  # chunks read or replayed concurrently


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The number of chunks that were queued. `more`: the request ended before it had read all open chunks."""

    chunks: int
    more: bool


class ReasonReplay:
    """Replays waiting and failed chunks by the reason of their last failure."""

    def __init__(self, gateways: Gateways, replay: Replay, clock: Clock) -> None:
        self._worklist, self._catalogue, self._audit = gateways.worklist, gateways.catalogue, gateways.audit
        self._replay, self._clock = replay, clock

    async def run(self, reason: str, *, by: str) -> Replayed:
        """Lost chunks aren't replayed: their sources are gone."""
        head = await self._worklist.glance()
        items = [item for item in head.items if item.kind is Kind.CHUNK and item.flaw is None]
        audited: set[str] = set()
        replayed = read = 0
        for some in batched(items[:_MOST_READ], _AT_ONCE, strict=False):
            if replayed >= _MOST:
                break
            found = await asyncio.gather(*map(self._catalogue.chunk_of, some))
            read += len(some)
            wanted = [chunk for chunk in found if isinstance(chunk, Chunk) and _is_wanted(chunk, reason)]
            await self._write_audit({chunk.recording_key for chunk in wanted} - audited, reason, by)
            audited |= {chunk.recording_key for chunk in wanted}
            replayed += sum(await asyncio.gather(*map(self._replay.restart, wanted)))
        return Replayed(chunks=replayed, more=read < len(items) or not head.is_all)

    async def _write_audit(self, recording_keys: set[str], reason: str, by: str) -> None:
        entry = AuditEntry(at=self._clock.now(), action="replay", by=by, details={"reason": reason})
        await asyncio.gather(*(self._audit.add(key, entry) for key in sorted(recording_keys)))


def _is_wanted(chunk: Chunk, reason: str) -> bool:
    """A pending chunk without a time for its next attempt is queued already."""
    waits = chunk.state is ChunkState.PENDING and chunk.next_attempt_at is not None
    return chunk.reason == reason and (waits or chunk.state is ChunkState.FAILED)
