"""The lease of a received message, renewed until the message is completed."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import timedelta

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

_POISON = "-poison"

logger = logging.getLogger("host.queues")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A queue and its poison queue, which is None for a poison queue itself."""

    queue: QueueClient
    poison: QueueClient | None
    visibility: timedelta
    # How long storage may be unreachable before the listener raises StorageLost; None: without a limit.
    patience: timedelta | None


def is_poison(queue: str) -> bool:
    return queue.endswith(_POISON)


def poison_name(queue: str) -> str:
    return queue + _POISON


class Lease:
    """A received message. It stays invisible to others, because its lease is renewed at half its duration."""

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
                about = {"message_id": self.message.id, "reason": reason_of(error)}
                logger.warning("can't renew a message", extra=about)

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

    async def release(self, delay: timedelta) -> None:
        await self._end()
        await self._set_visibility(delay)

    async def abandon(self) -> None:
        """Stops renewing. The lease then expires."""
        await self._end()


def reason_of(error: AzureError) -> str:
    """The service's error code or the type of the error. Its text could contain a URL with a signature."""
    return str(getattr(error, "error_code", None) or type(error).__name__)
