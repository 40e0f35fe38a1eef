"""The queue of chunk jobs. A job may be sent twice and lost never: it is on the queue when `send` returns."""

from azure.storage.queue.aio import QueueClient

from shared.contracts.jobs import ChunkJob
from shared.gateways.faults import storage_faults

_FOREVER = -1  # a message that expires would be a chunk forgotten; the default is seven days


class Jobs:
    """Work for the queue function."""

    def __init__(self, queue: QueueClient) -> None:
        self._queue = queue

    async def send(self, job: ChunkJob, *, delay: float = 0) -> None:
        """Queues a job; `delay` in seconds, rounded up. An output binding could not delay it."""
        with storage_faults("queueing a chunk job"):
            await self._queue.send_message(job.encode(), visibility_timeout=int(-(-delay // 1)), time_to_live=_FOREVER)

    async def check(self) -> None:
        """Asks after the queue, and changes nothing."""
        with storage_faults("asking after the queue"):
            await self._queue.get_queue_properties()
