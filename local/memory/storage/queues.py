"""Queue Storage in memory: visibility, dequeue counts, and pop receipts that go stale."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from azure.storage.queue import QueueMessage, QueueProperties

from local.memory.storage.account import Account, Client, Service, check_options, operation_of
from local.memory.storage.refusals import Refused

_LONGEST = 7 * 24 * 3600  # seconds that a message can be hidden, and that it is kept by default
_LARGEST = 64 * 1024  # bytes
_AT_ONCE = 32  # messages in a response at most
_FOREVER = -1


@dataclass
class _Message:
    id: str
    text: str
    inserted: datetime
    expires: datetime | None
    visible: datetime
    receipt: str
    dequeued: int = 0


@dataclass
class _Queue:
    messages: list[_Message] = field(default_factory=list)


class MemoryQueueClient(Client):
    """One queue, as azure.storage.queue.aio.QueueClient. The policies encode and decode what is sent and read."""

    def __init__(
        self, account: Account, queue_name: str, *, message_encode_policy: Any = None, message_decode_policy: Any = None
    ) -> None:
        self._account, self.queue_name = account, queue_name
        self._encode, self._decode = message_encode_policy, message_decode_policy

    async def create_queue(self) -> None:
        """If the queue exists, the service answers 204, which the SDK makes an error."""

        def apply() -> None:
            if self.queue_name in self._account.queues:
                raise Refused(204, "QueueAlreadyExists")
            self._account.queues[self.queue_name] = _Queue()

        await self._ask("create_queue", apply)

    async def delete_queue(self) -> None:
        def apply() -> None:
            self._queue()
            del self._account.queues[self.queue_name]

        await self._ask("delete_queue", apply)

    async def send_message(
        self, content: str, *, visibility_timeout: int | None = None, time_to_live: int | None = None, **options: Any
    ) -> QueueMessage:
        check_options(options)
        text = self._encode.encode(content) if self._encode else content
        hidden, life = visibility_timeout or 0, _LONGEST if time_to_live is None else time_to_live

        def apply() -> QueueMessage:
            messages = self._queue().messages
            if len(text.encode()) > _LARGEST:
                raise Refused(413, "RequestBodyTooLarge")
            if not 0 <= hidden <= _LONGEST or life == 0 or life < _FOREVER or (life != _FOREVER and hidden >= life):
                raise Refused(400, "OutOfRangeQueryParameterValue")
            now = self._account.now()
            message = _Message(
                id=self._account.new_id(),
                text=text,
                inserted=now,
                expires=None if life == _FOREVER else now + timedelta(seconds=life),
                visible=now + timedelta(seconds=hidden),
                receipt=self._account.new_id(),
            )
            messages.append(message)
            return self._shown(message, text=content)

        return await self._ask("send_message", apply)

    async def receive_message(self, *, visibility_timeout: int | None = None, **options: Any) -> QueueMessage | None:
        check_options(options)

        def apply() -> QueueMessage | None:
            message = next(iter(self._visible()), None)
            if message is None:
                return None
            message.visible = self._account.now() + timedelta(seconds=visibility_timeout or 30)
            message.receipt = self._account.new_id()
            message.dequeued += 1
            return self._shown(message)

        return await self._ask("receive_message", apply)

    async def update_message(
        self, message: QueueMessage, *, visibility_timeout: int = 0, content: str | None = None, **options: Any
    ) -> QueueMessage:
        check_options(options)

        def apply() -> QueueMessage:
            found = self._held(str(message.id), str(message.pop_receipt))
            found.visible = self._account.now() + timedelta(seconds=visibility_timeout)
            found.receipt = self._account.new_id()
            if content is not None:
                found.text = self._encode.encode(content) if self._encode else content
            return self._shown(found)

        return await self._ask("update_message", apply)

    async def delete_message(self, message: QueueMessage | str, pop_receipt: str | None = None, **options: Any) -> None:
        check_options(options)
        taken = message if isinstance(message, QueueMessage) else None
        name, receipt = (taken.id, pop_receipt or taken.pop_receipt) if taken else (str(message), pop_receipt)
        await self._ask("delete_message", lambda: self._queue().messages.remove(self._held(name, str(receipt))))

    async def peek_messages(self, max_messages: int = 1, **options: Any) -> list[QueueMessage]:
        check_options(options)
        if not 1 <= max_messages <= _AT_ONCE:
            raise ValueError("Number of messages to peek should be between 1 and 32")
        return await self._ask("peek_messages", lambda: self._peeked(max_messages), writes=False)

    async def clear_messages(self, **options: Any) -> None:
        check_options(options)

        def apply() -> None:
            self._queue().messages = []

        await self._ask("clear_messages", apply)

    async def get_queue_properties(self, **options: Any) -> QueueProperties:
        """The count includes hidden messages."""
        check_options(options)

        def apply() -> QueueProperties:
            found = QueueProperties()
            found.name = self.queue_name
            found.approximate_message_count = len(self._live())
            return found

        return await self._ask("get_queue_properties", apply, writes=False)

    async def _ask[T](self, method: str, apply: Callable[[], T], *, writes: bool = True) -> T:
        operation = operation_of(Service.QUEUE, method, self.queue_name, writes, True)  # noqa: FBT003 - is retried
        try:
            return await self._account.turn(operation, apply)
        except Refused as refused:
            raise refused.refusal.of_queue() from None

    def _queue(self) -> _Queue:
        queue: _Queue | None = self._account.queues.get(self.queue_name)
        if queue is None:
            raise Refused(404, "QueueNotFound")
        return queue

    def _live(self) -> list[_Message]:
        messages, now = self._queue().messages, self._account.now()
        messages[:] = [one for one in messages if one.expires is None or one.expires > now]
        return messages

    def _visible(self) -> list[_Message]:
        """In the order in which they can be taken."""
        now = self._account.now()
        return sorted((one for one in self._live() if one.visible <= now), key=lambda one: one.visible)

    def _peeked(self, most: int) -> list[QueueMessage]:
        shown = [self._shown(one) for one in self._visible()[:most]]
        for message in shown:
            message.pop_receipt = message.next_visible_on = None
        return shown

    def _held(self, name: str, receipt: str) -> _Message:
        message = next((one for one in self._live() if one.id == name), None)
        if message is None:
            raise Refused(404, "MessageNotFound")
        if message.receipt != receipt:
            raise Refused(400, "PopReceiptMismatch")
        return message

    def _shown(self, message: _Message, *, text: str | None = None) -> QueueMessage:
        """Times are to the second, as in the service's answers."""
        if text is None:
            text = self._decode.decode(message.text, None) if self._decode else message.text
        return QueueMessage(
            text,
            id=message.id,
            inserted_on=message.inserted.replace(microsecond=0),
            expires_on=message.expires and message.expires.replace(microsecond=0),
            dequeue_count=message.dequeued,
            pop_receipt=message.receipt,
            next_visible_on=message.visible.replace(microsecond=0),
        )


class MemoryQueueServiceClient(Client):
    """The queues of an account, as azure.storage.queue.aio.QueueServiceClient."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def get_queue_client(self, queue: str) -> MemoryQueueClient:
        return MemoryQueueClient(self._account, queue)

    async def create_queue(self, name: str) -> None:
        await self.get_queue_client(name).create_queue()

    async def delete_queue(self, queue: str) -> None:
        await self.get_queue_client(queue).delete_queue()
