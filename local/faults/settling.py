"""Lets a stack come to rest: the sweep is started again and again until nothing is open and no message is left.

Rest is a state that nothing but time or a caller changes: every announced chunk has ended and was told of, and the
queues are empty.
"""

import asyncio
from collections.abc import Collection

from local.faults.site import QUEUE, Site
from shared.states import ChunkState

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
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within):
            while True:
                began = loop.time()
                if await _rests(site, announced, keys, failed_is_rest=failed_is_rest):
                    return True
                await site.sweep()
                # Whatever the catalogue's size, storage has half of the time for those who are looked at.
                await asyncio.sleep(max(_SHORTEST_PAUSE, loop.time() - began))
    except TimeoutError:
        return False


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
