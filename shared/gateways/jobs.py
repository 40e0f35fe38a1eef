"""The queue of chunk jobs. A job may be sent twice and lost never: it is on the queue when `send` returns."""

from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from shared.contracts.jobs import ChunkJob
from shared.gateways.faults import storage_faults

_FOREVER = -1  # a message that expires would be a chunk forgotten; the default is seven days


class Jobs:
    """Work for the queue function."""

    def __init__(self, queue: QueueClient, poison: QueueClient) -> None:
        """`poison` is where the host puts what failed too often."""
        self._queue, self._poison = queue, poison

    async def send(self, job: ChunkJob, *, delay: float = 0) -> None:
        """Queues a job; `delay` in seconds, rounded up. An output binding could not delay it."""
        with storage_faults("queueing a chunk job"):
            await self._queue.send_message(job.encode(), visibility_timeout=int(-(-delay // 1)), time_to_live=_FOREVER)

    async def check(self) -> None:
        """Asks after the queue, and changes nothing."""
        with storage_faults("asking after the queue"):
            await self._queue.get_queue_properties()

    async def head(self) -> datetime | None:
        """When the message was sent that is taken next; None when none waits."""
        with storage_faults("looking at the head of the queue"):
            messages = await self._queue.peek_messages(max_messages=1)
            return messages[0].inserted_on if messages else None

    async def poisoned(self) -> int:
        """How many messages stay on the poison queue. The host makes that queue when it first needs it."""
        with storage_faults("counting the poison queue"):
            try:
                return int((await self._poison.get_queue_properties()).approximate_message_count or 0)
            except ResourceNotFoundError:
                return 0
