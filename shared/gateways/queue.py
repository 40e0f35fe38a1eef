"""The queue of chunk jobs. Once `send` returns, the job is on the queue. It may be there twice."""

from datetime import datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from shared.contracts.jobs import ChunkJob
from shared.errors import InvalidJob
from shared.gateways.faults import storage_faults

_PEEKED = 32  # messages: the most that one request returns
_FOREVER = -1  # a message must not expire (the default is seven days), or its chunk would be forgotten


class JobQueue:
    """Jobs for the queue function."""

    def __init__(self, queue: QueueClient, poison: QueueClient) -> None:
        """`poison` is the queue to which the host moves messages that failed too often."""
        self._queue, self._poison = queue, poison

    async def send(self, job: ChunkJob, *, delay: float = 0) -> None:
        """Queues a job, with a delay in seconds, rounded up. An output binding can't delay messages."""
        seconds = max(int(-(-delay // 1)), 0)
        with storage_faults("queueing a chunk job"):
            await self._queue.send_message(
                job.delayed(seconds).encode(), visibility_timeout=seconds, time_to_live=_FOREVER
            )

    async def check(self) -> None:
        """Checks that the queue can be reached. Changes nothing."""
        with storage_faults("checking the queue"):
            await self._queue.get_queue_properties()

    async def head(self) -> datetime | None:
        """Since when the next message has been waiting. None if no message is waiting.

        For a message that was dequeued before, a peek doesn't show when it became visible again. So the first message
        that was never dequeued is used, if there is one.
        """
        with storage_faults("peeking at the queue"):
            messages = await self._queue.peek_messages(max_messages=_PEEKED)
        head = next((message for message in messages if not message.dequeue_count), messages[0] if messages else None)
        if head is None or head.inserted_on is None:
            return None
        return head.inserted_on + timedelta(seconds=_delay_of(head.content))

    async def poisoned(self) -> int:
        """The number of messages on the poison queue. The host creates that queue when it first needs it."""
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
