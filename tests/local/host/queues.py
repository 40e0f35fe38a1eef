"""The queues of one host, with unique names, and helpers for them."""

import asyncio
import base64
import contextlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from tests.local.host.running import PATIENCE


class Queues:
    """Queues of one test or host, with unique names."""

    def __init__(self, connection: str) -> None:
        suffix = uuid.uuid4().hex[:12]
        self.work, self.observed = f"work-{suffix}", f"observed-{suffix}"
        self.connection = connection

    @property
    def settings(self) -> dict[str, str]:
        """The sample app's settings."""
        never = "0 0 0 1 1 *"
        return {"QUEUES": self.connection, "WORK": self.work, "OBSERVED": self.observed, "SCHEDULE": never}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def message_of(queue: QueueClient, wanted: Callable[[str], bool] = bool) -> QueueMessage:
    """Waits for the first matching message, and removes it and all earlier ones. The queue may be created later."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(ResourceNotFoundError):
                async for message in queue.receive_messages(visibility_timeout=60):
                    await queue.delete_message(message)
                    if wanted(message.content):
                        return message
            await asyncio.sleep(0.05)


async def count_of(queue: QueueClient) -> int:
    """The number of messages, visible or not."""
    return (await queue.get_queue_properties()).approximate_message_count or 0


async def emptied(queue: QueueClient) -> None:
    """Waits until the queue is empty. Invisible messages count."""
    async with asyncio.timeout(PATIENCE):
        while await count_of(queue):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)


async def shown(queue: QueueClient) -> None:
    """Waits until a message is visible. Doesn't receive it."""
    async with asyncio.timeout(PATIENCE):
        while not await queue.peek_messages():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def observed(queue: QueueClient, **fields: Any) -> dict[str, Any]:
    """The first report of the sample app that has these fields."""

    def wanted(content: str) -> bool:
        return fields.items() <= _report(content).items()

    return _report((await message_of(queue, wanted)).content)


def _report(content: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(content)
    return report
