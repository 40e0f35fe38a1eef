"""Messages between host and worker arrive complete and in order, or not at all."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.worker.channel import Channel, decode, encode

# Apps can only name strings, and our own mappings never have the name of the blob marker.
NAMED_BY_APPS = st.dictionaries(st.text() | st.just("$blob"), st.text(), max_size=3)
LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | NAMED_BY_APPS
FIELDS = st.sampled_from(["kind", "value", "headers", "body"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner), max_leaves=8)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, Channel]]:
    here, there = [await Channel.over(sock) for sock in socket.socketpair()]
    yield here, there
    here.close()
    there.close()


@given(st.dictionaries(FIELDS, VALUES))
def test_a_message_is_read_as_it_was_written(message: dict[str, object]) -> None:
    head, *rest = encode(message)
    count = int.from_bytes(head[4:])
    assert decode(rest[count], rest[count + 1 :]) == message


async def test_messages_of_many_senders_do_not_mix(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    messages = [{"number": number, "body": bytes([number]) * 300_000} for number in range(20)]
    sending = asyncio.gather(*(here.send(message) for message in messages))
    assert [await there.receive() for _ in messages] == messages
    await sending


async def test_a_message_with_an_empty_body_leaves_no_work_behind(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    await here.send({"body": b""})
    assert await there.receive() == {"body": b""}
    before = time.process_time()
    await asyncio.sleep(0.4)  # the measured time: an idle loop must use no CPU
    assert time.process_time() - before < 0.1


async def test_the_end_of_the_other_side_is_the_end_of_messages(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    here.close()
    assert await there.receive() is None
