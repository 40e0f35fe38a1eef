"""The queue listener: receives messages for one function on one instance, and completes them.

As in the WebJobs SDK, it receives one batch at a time, polls less often while the queue is empty, and renews a lease at
half its duration. A success deletes the message. A failure releases it, or moves it to the poison queue after the last
attempt. The message is written to the poison queue before it is deleted, so it can't be lost. If the host stops,
or the host or the worker dies, during a function, the message becomes visible again when its lease expires.
"""

import asyncio
import contextlib
import logging
import time
from datetime import timedelta
from enum import Enum, auto

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage

from local.host.bindings import Function
from local.host.configuration.config import QueueOptions
from local.host.errors import InvocationFailed, StorageLost, WorkerLost
from local.host.invocations import Invocations
from local.host.triggers.message_leases import Lease, Source, reason_of
from local.host.triggers.queue_accounts import Encoding, send_creating
from local.host.triggers.queue_messages import cause_of, unfit
from local.host.worker.instances import Instance

_FIRST_PAUSE = timedelta(milliseconds=100)

logger = logging.getLogger("host.queues")


class _End(Enum):
    """How an invocation ended."""

    SUCCEEDED = auto()
    FAILED = auto()
    INTERRUPTED = auto()  # by the stop of the host


class QueueListener:
    def __init__(
        self, function: Function, instance: Instance, source: Source, options: QueueOptions, invocations: Invocations
    ) -> None:
        self._function = function
        self._instance = instance
        self._source = source
        self._options = options
        self._invocations = invocations
        self._away_since: float | None = None
        self._encoding = Encoding(is_base64=options.message_encoding == "base64")
        self._stopping = asyncio.Event()
        self._drained = asyncio.Event()
        self._missing = False
        self._messages: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Stops receiving messages. `run` returns when the messages in progress have ended."""
        self._stopping.set()
        self._drained.set()

    def drain(self) -> None:
        """Stops receiving messages. The messages in progress are completed."""
        self._drained.set()

    async def run(self) -> None:
        """Raises StorageLost."""
        pause = _FIRST_PAUSE
        while await self._may_receive():
            received = await self._receive()
            if not received:
                await self._wait(pause)
                pause = min(pause * 2, self._options.max_polling_interval)
                continue
            pause = _FIRST_PAUSE
            for message in received:
                task = asyncio.create_task(self._handle(Lease(self._source, message)))
                self._messages.add(task)
                task.add_done_callback(self._messages.discard)
            while len(self._messages) > self._options.new_batch_threshold:
                await asyncio.wait(self._messages, return_when=asyncio.FIRST_COMPLETED)
        logger.info("stopped receiving", extra=self._about())  # a batch that was requested before is still processed
        if self._messages:
            await asyncio.wait(self._messages)

    async def _may_receive(self) -> bool:
        """Waits until the instance is ready. False if the listener must stop."""
        ready = asyncio.ensure_future(self._instance.ready())
        drained = asyncio.ensure_future(self._drained.wait())
        await asyncio.wait((ready, drained), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        drained.cancel()
        return not self._drained.is_set()

    async def _wait(self, pause: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._drained.wait()

    async def _receive(self) -> list[QueueMessage]:
        pages = self._source.queue.receive_messages(
            messages_per_page=self._options.batch_size,
            visibility_timeout=int(self._source.visibility.total_seconds()),
        ).by_page()
        try:
            # Only one page: the next page would be another batch.
            received = [message async for message in await anext(pages)]
        except StopAsyncIteration:
            received = []
        except ResourceNotFoundError:
            if not self._missing:
                logger.warning("there is no queue %s", self._source.queue.queue_name, extra=self._about())
            self._missing = True
            return []
        except AzureError as error:
            logger.warning("can't receive", extra={**self._about(), "reason": reason_of(error)})
            self._count_absence()
            return []
        self._missing, self._away_since = False, None
        return received

    def _count_absence(self) -> None:
        self._away_since = self._away_since or time.monotonic()
        away = timedelta(seconds=time.monotonic() - self._away_since)
        if self._source.patience is not None and away >= self._source.patience:
            raise StorageLost(f"storage of queue {self._source.queue.queue_name} is away")

    def _about(self) -> dict[str, str]:
        return {"function": self._function.name, "queue": self._source.queue.queue_name}

    async def _handle(self, lease: Lease) -> None:
        try:
            await self._process(lease)
        except AzureError as error:
            # Another listener completed the message, or storage is unreachable and the message becomes visible again.
            about = {**self._about(), "message_id": lease.message.id, "reason": reason_of(error)}
            logger.warning("can't complete a message", extra=about)
        finally:
            await lease.abandon()

    async def _process(self, lease: Lease) -> None:
        attempt = lease.message.dequeue_count or 1
        body = self._decode(lease.message)
        if self._stopping.is_set():
            return
        if body is None or attempt > self._options.max_dequeue_count:
            await self._move_to_poison(lease)
            return
        end = await self._invoke(lease.message, body)
        if end is _End.SUCCEEDED:
            await lease.delete()
        elif end is _End.INTERRUPTED:
            return
        elif attempt >= self._options.max_dequeue_count:
            await self._move_to_poison(lease)
        elif self._source.poison is not None:
            await lease.release(self._options.visibility_timeout)
        # A poison queue's message isn't released: it becomes visible when its lease expires.

    def _decode(self, message: QueueMessage) -> bytes | None:
        try:
            return self._encoding.decode(message.content)
        except ValueError:
            logger.error("a message that isn't base64", extra={**self._about(), "message_id": message.id})  # noqa: TRY400 - the traceback would show the content
            return None

    async def _invoke(self, message: QueueMessage, body: bytes) -> _End:
        if self._encoding.is_base64 and (reason := unfit(body)):
            logger.error("failed: %s", reason, extra={**self._about(), "message_id": message.id})
            return _End.FAILED
        try:
            await self._invocations.run(self._function, cause_of(message, body), self._instance)
        except WorkerLost:
            return _End.INTERRUPTED if self._stopping.is_set() else _End.FAILED
        except InvocationFailed:
            return _End.FAILED
        return _End.SUCCEEDED

    async def _move_to_poison(self, lease: Lease) -> None:
        if self._source.poison is None:
            return
        await send_creating(self._source.poison, lease.message.content)
        await lease.delete()
        logger.error("message moved to %s", self._source.poison.queue_name, extra=self._about())
