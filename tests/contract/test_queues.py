"""What the gateway and the host rely on in Queue Storage: visibility, dequeue counts and pop receipts."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.contract.conftest import Storage, code_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def count(storage: Storage) -> int:
    return int((await storage.queue.get_queue_properties()).approximate_message_count)


async def test_a_message_that_is_taken_is_hidden_and_counted_until_it_is_deleted(storage: Storage):
    await storage.queue.send_message("a job, ü", time_to_live=-1)
    taken = await storage.queue.receive_message(visibility_timeout=60)
    assert (taken.content, taken.dequeue_count) == ("a job, ü", 1)
    assert await storage.queue.receive_message() is None
    assert await storage.queue.peek_messages(max_messages=32) == []
    assert await count(storage) == 1, "the count includes hidden messages"
    await storage.queue.delete_message(taken)
    assert await count(storage) == 0


async def test_a_message_that_comes_back_counts_its_deliveries_and_its_old_receipt_is_stale(storage: Storage):
    await storage.queue.send_message("job")
    first = await storage.queue.receive_message(visibility_timeout=60)
    await storage.queue.update_message(first, visibility_timeout=0)
    second = await storage.queue.receive_message(visibility_timeout=60)
    assert (second.id, second.dequeue_count, second.content) == (first.id, 2, "job")
    with pytest.raises(HttpResponseError) as caught:
        await storage.queue.delete_message(first.id, first.pop_receipt)
    assert (caught.value.status_code, code_of(caught.value)) == (400, "PopReceiptMismatch")
    await storage.queue.delete_message(second.id, second.pop_receipt)
    with pytest.raises(ResourceNotFoundError) as gone:
        await storage.queue.delete_message(second.id, second.pop_receipt)
    assert code_of(gone.value) == "MessageNotFound"


async def test_a_message_with_a_delay_is_neither_taken_nor_shown_before(storage: Storage):
    sent = await storage.queue.send_message("later", visibility_timeout=60, time_to_live=-1)
    assert await storage.queue.receive_message() is None
    assert await storage.queue.peek_messages() == []
    assert await count(storage) == 1
    await storage.queue.delete_message(sent.id, sent.pop_receipt)
    assert await count(storage) == 0, "a sender can take back what it sent"


async def test_a_peek_shows_messages_in_order_and_takes_none(storage: Storage):
    for number in range(3):
        await storage.queue.send_message(f"job {number}")
    shown = await storage.queue.peek_messages(max_messages=2)
    assert [(one.content, one.dequeue_count, one.pop_receipt) for one in shown] == [
        ("job 0", 0, None),
        ("job 1", 0, None),
    ]
    assert shown[0].inserted_on.tzinfo is not None
    assert (await storage.queue.receive_message()).content == "job 0"


async def test_a_hidden_message_must_not_expire_before_it_is_seen(storage: Storage):
    with pytest.raises((HttpResponseError, ValueError)):
        await storage.queue.send_message("never seen", visibility_timeout=60, time_to_live=60)


async def test_clearing_takes_hidden_messages_too(storage: Storage):
    await storage.queue.send_message("one", visibility_timeout=60)
    await storage.queue.send_message("two")
    await storage.queue.clear_messages()
    assert await count(storage) == 0
