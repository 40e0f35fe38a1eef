"""Waits until a stack is idle: starts the sweep repeatedly until no chunk is open and no message is queued.

An idle stack changes only with time or by a caller: every announced chunk has ended, its end was announced, and the
queues are empty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from local.faults.judging.expectations import Expectations
from local.faults.running_stack.stack_client import QUEUE, StackClient
from local.faults.schedules.unusual_events import End
from shared.domain.records import Chunk
from shared.domain.states import IN_TROUBLE, ChunkState

# States in which a chunk has ended. A failed chunk leaves the worklist once its source has expired.
_ENDS = frozenset({ChunkState.RELEASED, ChunkState.ARCHIVED, ChunkState.FAILED, ChunkState.LOST})
_FOR_THE_SWEEP = timedelta(hours=2)  # of the product's clock, in which it must have removed the rows of ended chunks
_SHORTEST_PAUSE = 0.3  # seconds between two checks and sweeps


async def wait_until_idle(
    client: StackClient,
    announced: Collection[str],
    keys: Collection[str] | None,
    *,
    within: float,
    failed_is_idle: bool = True,
) -> bool:
    """Waits until the stack is idle, for at most `within` real seconds. False after a timeout.

    With a compressed clock a failed chunk isn't idle, because it is retried until its source expires.
    """

    async def is_done() -> bool:
        return await _is_idle(client, announced, keys, failed_is_idle=failed_is_idle)

    return await _until(client, is_done, within)


async def wait_for_expected_ends(
    client: StackClient,
    announced: Collection[str],
    expected: Expectations,
    *,
    within: float,
    is_wrong: Callable[[list[Chunk]], bool],
) -> bool:
    """Waits until every chunk has its expected end, can be judged, or is certainly wrong. False after a timeout."""
    if expected.quiet_at is None:
        raise ValueError("the faults haven't ended")
    decided = expected.quiet_at + expected.patience

    async def is_done() -> bool:
        now = client.now()
        chunks = await client.chunks()
        if is_wrong(chunks):
            return True
        # The sweep removes the row of a chunk that has ended when the row is due.
        done = {chunk.chunk_key for chunk in chunks if chunk.state in {ChunkState.RELEASED, ChunkState.LOST}}
        if done & {row.chunk_key for row in await client.rows()}:
            return now >= decided + _FOR_THE_SWEEP
        if now >= decided:
            return True
        if await client.messages(f"{QUEUE}-poison"):
            return False
        missing = set(announced) - {chunk.document_id for chunk in chunks}
        if any(expected.end_of(document_id) not in {End.REFUSED, End.IGNORED} for document_id in missing):
            return False
        return all(_has_expected_end(chunk, expected, now) for chunk in chunks)

    return await _until(client, is_done, within)


async def _until(client: StackClient, is_done: Callable[[], Awaitable[bool]], within: float) -> bool:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within):
            while True:
                began = loop.time()
                if await is_done():
                    return True
                await client.sweep()
                # Pause as long as the check took, so it uses at most half of the storage's time.
                await asyncio.sleep(max(_SHORTEST_PAUSE, loop.time() - began))
    except TimeoutError:
        return False


def _has_expected_end(chunk: Chunk, expected: Expectations, now: datetime) -> bool:
    end = expected.end_of(chunk.document_id)
    if chunk.outbox is not None:
        return False
    if chunk.state is ChunkState.RELEASED or (end is End.KEPT and chunk.state is ChunkState.ARCHIVED):
        return True
    if end in {End.REFUSED, End.IGNORED}:
        return True
    if chunk.document_id in expected.wants_media:
        return chunk.blob_name is not None
    return chunk.state in IN_TROUBLE and now >= chunk.deadline


async def _is_idle(
    client: StackClient, announced: Collection[str], keys: Collection[str] | None, *, failed_is_idle: bool
) -> bool:
    if await client.messages() or await client.messages(f"{QUEUE}-poison"):
        return False
    chunks = await client.chunks(keys)
    if not set(announced) <= {chunk.document_id for chunk in chunks}:
        return False
    listed = {row.chunk_key for row in await client.rows()}
    return all(
        chunk.state in _ENDS
        and chunk.outbox is None
        and (chunk.chunk_key not in listed or (failed_is_idle and chunk.state is ChunkState.FAILED))
        for chunk in chunks
    )
