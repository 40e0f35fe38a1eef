"""The queue of chunk jobs. A job may be sent twice and lost never: it is on the queue when `send` returns."""

from datetime import datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from shared.contracts.jobs import ChunkJob
from shared.errors import InvalidJob
from shared.gateways.faults import storage_faults

_PEEKED = 32  # messages, the most that one request shows
_FOREVER = -1  # a message that expires would be a chunk forgotten; the default is seven days


class JobQueue:
    """Work for the queue function."""

    def __init__(self, queue: QueueClient, poison: QueueClient) -> None:
        """`poison` is where the host puts what failed too often."""
        self._queue, self._poison = queue, poison

    async def send(self, job: ChunkJob, *, delay: float = 0) -> None:
        """Queues a job; `delay` in seconds, rounded up. An output binding could not delay it."""
        seconds = max(int(-(-delay // 1)), 0)
        with storage_faults("queueing a chunk job"):
            await self._queue.send_message(
                job.delayed(seconds).encode(), visibility_timeout=seconds, time_to_live=_FOREVER
            )

    async def check(self) -> None:
        """Asks after the queue, and changes nothing."""
        with storage_faults("asking after the queue"):
            await self._queue.get_queue_properties()

    async def head(self) -> datetime | None:
        """Since when the message that is taken next could be taken; None when none waits.

        A message that was taken before came back at a time that a peek doesn't tell. Those behind it tell more, if any
        of them wasn't taken yet.
        """
        with storage_faults("looking at the head of the queue"):
            messages = await self._queue.peek_messages(max_messages=_PEEKED)
        head = next((message for message in messages if not message.dequeue_count), messages[0] if messages else None)
        if head is None or head.inserted_on is None:
            return None
        return head.inserted_on + timedelta(seconds=_delay_of(head.content))

    async def poisoned(self) -> int:
        """How many messages stay on the poison queue. The host makes that queue when it first needs it."""
        with storage_faults("counting the poison queue"):
            try:
                return int((await self._poison.get_queue_properties()).approximate_message_count or 0)
            except ResourceNotFoundError:
                return 0


def _delay_of(body: str) -> int:
    """Seconds for which a message was hidden after it was inserted."""
    try:
        return ChunkJob.decode(body).delaySeconds or 0
    except InvalidJob:
        return 0
