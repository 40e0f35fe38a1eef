"""Attempts at a source that fails."""

from datetime import timedelta
from typing import Any

from shared.contracts.jobs import ChunkJob
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from tests.integration.world import MovableClock, World

HOUR = timedelta(hours=1)


async def fails(
    world: World, made: dict[str, Any], operation: str = "download", status: int = 404, **more: Any
) -> None:
    document_id = made["chunks"][0]["documentId"]
    kind = {"kind": "error", "code": "x", "message": "x"} if status == 404 else {"kind": "serverError"}
    await world.fault(operation, **({"times": 0, "documentId": document_id, "status": status} | kind | more))


async def next_attempt(world: World, clock: MovableClock, job: ChunkJob) -> Chunk:
    """Makes the next attempt when it is due. Returns the chunk after it."""
    due = (await world.chunk(job)).next_attempt_at
    if due is not None:
        clock.forward(seconds=max((due - clock.now()).total_seconds(), 0))
    await world.app.archiving.handle(job)
    return await world.chunk(job)


async def attempts(world: World, clock: MovableClock, job: ChunkJob, *, until: timedelta) -> Chunk:
    """Makes all attempts that are due within a time, or until the chunk ends. Returns the chunk."""
    end = clock.now() + until
    chunk = await world.chunk(job)
    while chunk.state is ChunkState.PENDING and (chunk.next_attempt_at or clock.now()) <= end:
        chunk = await next_attempt(world, clock, job)
    return chunk
