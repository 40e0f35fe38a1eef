"""Whether the queue of jobs is behind, as one run of the sweep sees it.

A chunk that nobody has worked on has lost its message, or its message still waits behind others. In the second case
another message helps nothing and makes the queue longer, so the head of the queue decides: if it has waited since
before the chunk's own last message, that one waits still. A message with a delay waits from the end of its delay.
"""

import asyncio
from datetime import datetime, timedelta

from shared.errors import DestinationError
from shared.gateways.queue import JobQueue

# Between the clocks of storage and workers, and between writing a row and sending its job. The sweep asks 90 s after a
# message at the earliest, so a head that is this much younger has waited too long as well.
_MARGIN = timedelta(seconds=30)


class Backlog:
    """Reads the head of the queue on the first question, and keeps the answer."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs, self._turn = jobs, asyncio.Lock()
        self._asked = False
        self._head: datetime | None = None
        self._failure: DestinationError | None = None

    async def hides(self, sent_at: datetime) -> bool:
        """Whether a message sent at that time may still be queued. Raises DestinationError if the queue fails."""
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
