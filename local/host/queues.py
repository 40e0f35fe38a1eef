"""The queue listener: receives for one function on one instance, and settles every message it received.

As the WebJobs SDK has it: a batch at a time, polling less often while the queue is empty, the lease renewed at half
its time. A success deletes the message. A failure gives it back, or with its attempts used up moves it to the poison
queue: written there first, so that it is never nowhere. Nothing is lost when the worker or the host dies: an unsettled
message comes back by itself.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import timedelta

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.bindings import Function
from local.host.config import QueueOptions
from local.host.errors import InvocationFailed
from local.host.instances import Instance
from local.host.invocations import Cause, Invocations
from local.host.messages import cause_of
from local.host.storage import Encoding, send_creating

_FIRST_PAUSE = timedelta(milliseconds=100)
_POISON = "-poison"

logger = logging.getLogger("host.queues")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A queue and where its poison goes: None for a poison queue itself."""

    queue: QueueClient
    poison: QueueClient | None
    visibility: timedelta


class Lease:
    """A received message, kept invisible to others by renewing it at half its time until it is settled."""

    def __init__(self, source: Source, message: QueueMessage) -> None:
        self.message = message
        self._source = source
        self._receipt = message.pop_receipt
        self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._source.visibility.total_seconds() / 2)
            try:
                await self._set_visibility(self._source.visibility)
            except AzureError as error:
                logger.warning("can't renew a message", extra={"message_id": self.message.id, "reason": _reason(error)})

    async def _set_visibility(self, visibility: timedelta) -> None:
        updated = await self._source.queue.update_message(
            self.message.id, self._receipt, visibility_timeout=int(visibility.total_seconds())
        )
        self._receipt = updated.pop_receipt

    async def _end(self) -> None:
        self._renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._renewing

    async def delete(self) -> None:
        await self._end()
        await self._source.queue.delete_message(self.message.id, self._receipt)

    async def give_back(self, delay: timedelta) -> None:
        await self._end()
        await self._set_visibility(delay)

    async def leave(self) -> None:
        """Lets the lease run out."""
        await self._end()


class QueueListener:
    def __init__(
        self, function: Function, instance: Instance, source: Source, options: QueueOptions, invocations: Invocations
    ) -> None:
        self._function = function
        self._instance = instance
        self._source = source
        self._options = options
        self._invocations = invocations
        self._encoding = Encoding(is_base64=options.message_encoding == "base64")
        self._stopping = asyncio.Event()
        self._missing = False
        self._messages: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """No message is taken from now on; `run` returns when those at hand are settled."""
        self._stopping.set()

    async def run(self) -> None:
        pause = _FIRST_PAUSE
        while await self._may_receive():
            received = await self._receive()
            if not received:
                await self._rest(pause)
                pause = min(pause * 2, self._options.max_polling_interval)
                continue
            pause = _FIRST_PAUSE
            for message in received:
                task = asyncio.create_task(self._settle(Lease(self._source, message)))
                self._messages.add(task)
                task.add_done_callback(self._messages.discard)
            while len(self._messages) > self._options.new_batch_threshold:
                await asyncio.wait(self._messages, return_when=asyncio.FIRST_COMPLETED)
        if self._messages:
            await asyncio.wait(self._messages)

    async def _may_receive(self) -> bool:
        """Once the instance is ready; False when the listener is to stop."""
        ready = asyncio.ensure_future(self._instance.ready())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((ready, stopping), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        stopping.cancel()
        return not self._stopping.is_set()

    async def _rest(self, pause: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._stopping.wait()

    async def _receive(self) -> list[QueueMessage]:
        pages = self._source.queue.receive_messages(
            messages_per_page=self._options.batch_size,
            visibility_timeout=int(self._source.visibility.total_seconds()),
        ).by_page()
        try:
            # One page alone: the next would be another batch.
            received = [message async for message in await anext(pages)]
        except StopAsyncIteration:
            received = []
        except ResourceNotFoundError:
            if not self._missing:
                logger.warning("there is no queue %s", self._source.queue.queue_name, extra=self._about())
            self._missing = True
            return []
        except AzureError as error:
            logger.warning("can't receive", extra={**self._about(), "reason": _reason(error)})
            return []
        self._missing = False
        return received

    def _about(self) -> dict[str, str]:
        return {"function": self._function.name, "queue": self._source.queue.queue_name}

    async def _settle(self, lease: Lease) -> None:
        try:
            await self._process(lease)
        except AzureError as error:
            # Settled by another, or the account is away: the message comes back or is gone, either is right.
            about = {**self._about(), "message_id": lease.message.id, "reason": _reason(error)}
            logger.warning("can't settle a message", extra=about)
        finally:
            await lease.leave()

    async def _process(self, lease: Lease) -> None:
        attempt = lease.message.dequeue_count or 1
        cause = self._decode(lease.message)
        if self._stopping.is_set():
            await lease.give_back(timedelta(0))
        elif cause is None or attempt > self._options.max_dequeue_count:
            await self._bury(lease)
        elif await self._succeeds(cause):
            await lease.delete()
        elif attempt >= self._options.max_dequeue_count:
            await self._bury(lease)
        elif self._source.poison is not None:
            await lease.give_back(self._options.visibility_timeout)
        # A poison queue's message isn't given back: it returns when its lease runs out.

    def _decode(self, message: QueueMessage) -> Cause | None:
        try:
            body = self._encoding.decode(message.content)
        except ValueError:
            logger.error("a message that isn't base64", extra={**self._about(), "message_id": message.id})  # noqa: TRY400 - its content is none of the log's
            return None
        return cause_of(message, body, self._function.trigger)

    async def _succeeds(self, cause: Cause) -> bool:
        try:
            await self._invocations.run(self._function, cause, self._instance)
        except InvocationFailed:
            return False
        return True

    async def _bury(self, lease: Lease) -> None:
        if self._source.poison is None:
            return
        await send_creating(self._source.poison, lease.message.content)
        await lease.delete()
        logger.error("message moved to %s", self._source.poison.queue_name, extra=self._about())


def source_of(queue: QueueClient, poison: QueueClient, visibility: timedelta) -> Source:
    is_poison = queue.queue_name.endswith(_POISON)
    return Source(queue=queue, poison=None if is_poison else poison, visibility=visibility)


def poison_name(queue: str) -> str:
    return queue + _POISON


def _reason(error: AzureError) -> str:
    """The service's code or the kind of error: its text can quote a URL with a signature."""
    return str(getattr(error, "error_code", None) or type(error).__name__)
