"""A worker's lease on a chunk: renewed while it works, and lost the moment that another worker has written.

The lease lives in the chunk's row. Every renewal is conditional on the version written before it, so of two workers
that both believe to own a chunk one is refused at its next write. What that one copied meanwhile harms nothing: the
archive never overwrites.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from shared.clock import Clock
from shared.errors import DestinationError, LeaseLost
from shared.gateways.catalogue import Catalogue
from shared.records import Chunk
from shared.states import ChunkState

log = logging.getLogger("callvault.leases")

_RENEWALS = 3  # in one lease: two may fail before it runs out


class Lease:
    """Holds a claimed chunk. `chunk` is its newest version."""

    def __init__(self, catalogue: Catalogue, clock: Clock, chunk: Chunk, duration: timedelta) -> None:
        self._catalogue, self._clock, self._duration = catalogue, clock, duration
        self._writing = asyncio.Lock()
        self.chunk = chunk

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Renews the lease while the body runs; cancels the body and raises LeaseLost when it can't be kept."""
        owner = asyncio.current_task()
        assert owner is not None, "a coroutine always runs in a task"  # noqa: S101 - for the type checker
        renewing = asyncio.create_task(self._renew(owner))
        try:
            yield
        except asyncio.CancelledError:
            if renewing.done() and not renewing.cancelled() and owner.uncancel() == 0:
                raise LeaseLost("the lease could not be kept while copying") from None
            raise
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def settle(self, state: ChunkState, **changes: Any) -> Chunk:
        """Ends the lease with the chunk in its next state. Raises LeaseLost when another worker has written."""
        async with self._writing:
            self.chunk = await self._catalogue.replace(self.chunk.move(state, owner=None, lease_until=None, **changes))
            return self.chunk

    async def _renew(self, owner: "asyncio.Task[Any]") -> None:
        """Ends, having cancelled `owner`, when the lease is lost."""
        pause = self._duration.total_seconds() / _RENEWALS
        while True:
            await asyncio.sleep(pause)
            try:
                async with self._writing:
                    renewed = self.chunk.evolve(lease_until=self._clock.now() + self._duration)
                    self.chunk = await self._catalogue.replace(renewed)
            except LeaseLost:
                owner.cancel()
                return
            except DestinationError as error:
                log.warning("lease not renewed", extra={"action": "renew-lease", "reason": error.reason})
                until = self.chunk.lease_until
                if until is not None and self._clock.now() >= until:
                    owner.cancel()
                    return
