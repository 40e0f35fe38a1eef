"""A worker's lease on a chunk: renewed while it works, and lost the moment that another worker has written.

The lease lives in the chunk's row. Every renewal is conditional on the version written before it, so of two workers
that both believe to own a chunk one is refused at its next write. What that one copied meanwhile harms nothing: the
archive never overwrites.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Protocol

from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.errors import DestinationError, LeaseLost
from shared.gateways.tables.catalogue import Catalogue
from shared.observability.logs import logger

log = logger("leases")

_RENEWALS = 3  # in one lease: two may fail before it runs out


type Write = Callable[[Chunk], Awaitable[Chunk]]


class Progress(Protocol):
    """How far a copy has got, in bytes."""

    copied: int
    total: int


class Lease:
    """Holds a claimed chunk. `chunk` is its newest version; `progress` is told with each renewal, at no cost."""

    def __init__(self, catalogue: Catalogue, write: Write, clock: Clock, chunk: Chunk, duration: timedelta) -> None:
        """`write` writes a chunk to the catalogue, on condition that it is still the version that was read."""
        self._catalogue, self._write_chunk, self._clock, self._duration = catalogue, write, clock, duration
        self._writing = asyncio.Lock()
        self.chunk = chunk
        self._owner = chunk.owner
        self.progress: Progress | None = None

    async def keep_while[T](self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, the lease renewed until it is there.

        Raises what `work` raises; LeaseLost, with `work` cancelled and wound up, when the lease can't be kept.
        """
        working, renewing = asyncio.create_task(work), asyncio.create_task(self._renew())
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise LeaseLost("the lease could not be kept while copying")
        finally:
            working.cancel()
            async with self._writing:  # a renewal under way is let finish, or its ETag would be unknown to us
                renewing.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)

    async def note(self, **changes: Any) -> None:
        """Writes what was learnt while working. Raises LeaseLost when another worker owns the chunk."""
        async with self._writing:
            self.chunk = await self._write(self.chunk.evolve(**changes))

    async def settle(self, moved: Chunk) -> Chunk:
        """Ends the lease with `chunk` in its next state. Raises LeaseLost when another worker owns the chunk."""
        async with self._writing:
            self.chunk = await self._write(moved.evolve(owner=None, lease_until=None))
            return self.chunk

    async def _write(self, changed: Chunk) -> Chunk:
        """Accepts an unknown version of the row if this worker's own renewal wrote it and only the response was lost.

        Such a renewal changed nothing else. If anything else differs, another writer was there, and its write stays.
        """
        try:
            return await self._write_chunk(changed)
        except LeaseLost:
            standing = await self._catalogue.chunk(changed.recording_key, changed.chunk_key)
            if standing is None or self._owner is None or _renewable(standing) != _renewable(self.chunk):
                raise
        return await self._write_chunk(changed.evolve(etag=standing.etag))

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
                log.warning("lease not renewed", extra={"action": "renew-lease", "reason": error.reason})
                until = self.chunk.lease_until
                if until is not None and self._clock.now() >= until:
                    return


def _renewable(chunk: Chunk) -> Chunk:
    """A chunk without what a renewal changes, for a comparison of the rest."""
    return chunk.evolve(lease_until=None, copied=None, expected=None)
