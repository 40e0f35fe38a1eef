"""Waits until a stack is idle: starts the sweep repeatedly until no chunk is open and no message is queued.

An idle stack changes only with time or by a caller: every announced chunk has ended, its end was announced, and the
queues are empty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from local.faults.course import Course
from local.faults.oddities import End
from local.faults.site import QUEUE, Site
from shared.domain.records import Chunk
from shared.domain.states import IN_TROUBLE, ChunkState

# What has ended is off the worklist, a failed chunk too once its source has expired.
_ENDS = frozenset({ChunkState.RELEASED, ChunkState.ARCHIVED, ChunkState.FAILED, ChunkState.LOST})
_SHORTEST_PAUSE = 0.3  # seconds between two looks, and two sweeps


async def settle(
    site: Site,
    announced: Collection[str],
    keys: Collection[str] | None,
    *,
    within: float,
    failed_is_rest: bool = True,
) -> bool:
    """Whether all came to rest in time; seconds, real ones.

    Where time is compressed a failed chunk isn't at rest: it is taken up again until its source has expired.
    """

    async def rests() -> bool:
        return await _rests(site, announced, keys, failed_is_rest=failed_is_rest)

    return await _until(site, rests, within)


async def settle_course(
    site: Site, announced: Collection[str], course: Course, *, within: float, is_wrong: Callable[[list[Chunk]], bool]
) -> bool:
    """Waits until every chunk has its expected end, can be judged, or is certainly wrong. False after a timeout."""
    if course.quiet_at is None:
        raise ValueError("the troubles haven't ended")
    decided = course.quiet_at + course.patience

    async def rests() -> bool:
        now = site.now()
        chunks = await site.chunks()
        if now >= decided or is_wrong(chunks):
            return True
        if await site.messages(f"{QUEUE}-poison"):
            return False
        missing = set(announced) - {chunk.document_id for chunk in chunks}
        if any(course.end_of(document_id) not in {End.REFUSED, End.IGNORED} for document_id in missing):
            return False
        if not all(_is_as_it_must_be(chunk, course, now) for chunk in chunks):
            return False
        # A row too many is removed when it is due.
        done = {chunk.chunk_key for chunk in chunks if chunk.state is ChunkState.RELEASED}
        return not done & {row.chunk_key for row in await site.rows()}

    return await _until(site, rests, within)


async def _until(site: Site, rests: Callable[[], Awaitable[bool]], within: float) -> bool:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within):
            while True:
                began = loop.time()
                if await rests():
                    return True
                await site.sweep()
                # Whatever the catalogue's size, storage has half of the time for those who are looked at.
                await asyncio.sleep(max(_SHORTEST_PAUSE, loop.time() - began))
    except TimeoutError:
        return False


def _is_as_it_must_be(chunk: Chunk, course: Course, now: datetime) -> bool:
    end = course.end_of(chunk.document_id)
    if chunk.outbox is not None:
        return False
    if chunk.state is ChunkState.RELEASED or (end is End.KEPT and chunk.state is ChunkState.ARCHIVED):
        return True
    if end in {End.REFUSED, End.IGNORED}:
        return True
    if chunk.document_id in course.wants_media:
        return chunk.blob_name is not None
    return chunk.state in IN_TROUBLE and now >= chunk.deadline


async def _rests(site: Site, announced: Collection[str], keys: Collection[str] | None, *, failed_is_rest: bool) -> bool:
    if await site.messages() or await site.messages(f"{QUEUE}-poison"):
        return False
    chunks = await site.chunks(keys)
    if not set(announced) <= {chunk.document_id for chunk in chunks}:
        return False
    listed = {row.chunk_key for row in await site.rows()}
    return all(
        chunk.state in _ENDS
        and chunk.outbox is None
        and (chunk.chunk_key not in listed or (failed_is_rest and chunk.state is ChunkState.FAILED))
        for chunk in chunks
    )
