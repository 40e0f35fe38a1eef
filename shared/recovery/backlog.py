"""Tells a run of the sweep whether a chunk's message may still wait on the queue.

A chunk without progress has either lost its message, or its message still waits behind others. In the second case
another message would only make the queue longer. The oldest message on the queue decides: if it was sent before the
chunk's last message, the chunk's message still waits. A delayed message counts from the end of its delay.
"""

import asyncio
from datetime import datetime, timedelta

from shared.errors import DestinationError
from shared.gateways.queue import JobQueue

# Covers clock differences between storage and workers, and the time between writing a row and sending its job. The
# sweep asks 90 s after a message at the earliest, so even an oldest message that is 30 s younger shows a backlog.
_MARGIN = timedelta(seconds=30)


class Backlog:
    """Reads the oldest message of the queue once, on the first call, and reuses the result."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs, self._turn = jobs, asyncio.Lock()
        self._asked = False
        self._head: datetime | None = None
        self._failure: DestinationError | None = None

    async def may_contain(self, sent_at: datetime) -> bool:
        """Whether a message sent at `sent_at` may still be on the queue. Raises DestinationError if the queue fails."""
        async with self._turn:
            if not self._asked:
                self._asked = True
                try:
                    self._head = await self._jobs.head()
                except DestinationError as error:
                    self._failure = error
        if self._failure is not None:
            raise self._failure
        return self._head is not None and self._head <= sent_at + _MARGIN
