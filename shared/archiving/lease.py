"""A worker's lease on a chunk: renewed while the worker copies, and lost as soon as another worker writes the row.

The lease is part of the chunk's row. Every write is conditional on the version that this worker wrote last (ETag). If
two workers both believe that they hold the lease, the second write is refused. The blocks that the refused worker
copied meanwhile do no harm, because the archive never overwrites a file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Protocol

from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.errors import DestinationError, LeaseLost
from shared.gateways.tables.catalogue import Catalogue
from shared.observability.logs import logger

log = logger("leases")

_RENEWALS = 3  # per lease duration: two can fail before the lease expires

type Write = Callable[[Chunk], Awaitable[Chunk]]  # writes a chunk and returns it with its new version


class Progress(Protocol):
    """The progress of a copy, in bytes."""

    copied: int
    total: int


class Lease:
    """Holds a claimed chunk. `chunk` is its newest version. Each renewal also writes `progress`."""

    def __init__(self, catalogue: Catalogue, write: Write, clock: Clock, chunk: Chunk, duration: timedelta) -> None:
        """`write` writes a chunk to the catalogue if its version is unchanged, and raises LeaseLost otherwise."""
        self._catalogue, self._write_chunk, self._clock, self._duration = catalogue, write, clock, duration
        self._writing = asyncio.Lock()
        self.chunk = chunk
        self._owner = chunk.owner
        self.progress: Progress | None = None

    async def keep_while[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work`, renews the lease meanwhile, and returns the result of `work`.

        Raises what `work` raises. If the lease is lost, `work` is cancelled, and LeaseLost is raised once it has ended.
        """
        working, renewing = asyncio.create_task(work), asyncio.create_task(self._renew())
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise LeaseLost("the lease could not be kept while copying")
        finally:
            working.cancel()
            async with self._writing:  # let a running renewal finish: its ETag is needed for the next write
                renewing.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)

    async def end(self, moved: Chunk) -> Chunk:
        """Writes the chunk in its next state, without a lease. Raises LeaseLost if another worker owns the chunk."""
        async with self._writing:
            self.chunk = await self._write(moved.evolve(owner=None, lease_until=None))
            return self.chunk

    async def _write(self, changed: Chunk) -> Chunk:
        """Writes the chunk, also if the row's version is unknown because the response to an own renewal was lost.

        A renewal changes only the lease and the progress. If anything else differs, another process wrote the row: then
        its write stays, and LeaseLost is raised. Locations that an event added for later attempts stay, too. They end
        the lease only if the chunk would become lost without an attempt at them.
        """
        try:
            return await self._write_chunk(changed)
        except LeaseLost:
            current = await self._catalogue.chunk(changed.recording_key, changed.chunk_key)
            if current is None or self._owner is None or _without_renewal(current) != _without_renewal(self.chunk):
                raise
            if current.other_locations != self.chunk.other_locations:
                if changed.state is ChunkState.LOST:
                    raise
                changed = changed.evolve(other_locations=current.other_locations)
        return await self._write_chunk(changed.evolve(etag=current.etag))

    async def _renew(self) -> None:
        """Returns when the lease is lost."""
        pause = self._duration.total_seconds() / _RENEWALS
        while True:
            await self._clock.sleep(pause)
            try:
                async with self._writing:
                    renewed = self.chunk.evolve(lease_until=self._clock.now() + self._duration)
                    if self.progress is not None:
                        renewed = renewed.evolve(copied=self.progress.copied, expected=self.progress.total)
                    self.chunk = await self._write(renewed)
            except LeaseLost:
                return
            except DestinationError as error:
                extra = {"action": "renew-lease", "reason": error.reason, **self.chunk.log_context()}
                log.warning("lease not renewed", extra=extra)
                until = self.chunk.lease_until
                if until is not None and self._clock.now() >= until:
                    return


def _without_renewal(chunk: Chunk) -> Chunk:
    """The chunk without the fields that may change during a lease, to compare the other fields."""
    return chunk.evolve(lease_until=None, copied=None, expected=None, other_locations=None)
