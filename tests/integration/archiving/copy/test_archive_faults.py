"""Faults of the archive: requests are repeated with all of their bytes, and repeating one does no harm."""

import pytest
import pytest_asyncio

from local.stack import Azurite
from shared.domain.states import ChunkState
from tests.integration.storagefront import Mishap, StorageFront, through
from tests.integration.world import MakeWorld, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.storage("azurite")]

MIB = 1024 * 1024


@pytest_asyncio.fixture(loop_scope="session")
async def world(make_world: MakeWorld, azurite: Azurite, blob_front: StorageFront) -> World:
    """The archive is reached through the faulty proxy, other storage directly."""
    made: World = await make_world(ARCHIVE_STORAGE=through(azurite, blob_front), BLOCK_SIZE_MIB=1, RANGES_IN_FLIGHT=2)
    return made


@pytest.mark.parametrize("mishap", [Mishap.BUSY, Mishap.BROKEN_OFF, Mishap.ANSWER_LOST])
@pytest.mark.parametrize(("operation", "size"), [("PUT block", 4 * MIB + 5), ("PUT blocklist", 2 * MIB), ("PUT", 900)])
async def test_a_failed_request_is_sent_again_with_all_of_its_bytes(
    world: World, blob_front: StorageFront, operation: str, size: int, mishap: Mishap
):
    made, job = await world.announced(size=size, format="wav")
    blob_front.spoil(operation, mishap, times=1)
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.RELEASED
    assert chunk.attempts == 1, "the request is repeated, not the chunk's attempt"
    (stored,) = [body for name, body in (await world.blobs()).items() if name.endswith(".wav")]
    assert len(stored) == size
    assert chunk.sha256 == made["chunks"][0]["sha256"]


async def test_a_busy_archive_is_the_destination_s_fault_and_is_retried(world: World, blob_front: StorageFront):
    made, job = await world.announced(size=2 * MIB, format="wav")
    blob_front.spoil("PUT block", Mishap.BUSY, times=20)
    assert await world.take_job() == job
    await world.app.archiving.handle(job)
    chunk = await world.chunk(job)
    assert chunk.state is ChunkState.PENDING
    assert chunk.reason == "storage-unavailable"
    assert blob_front.seen.count("PUT block") > 2, "each request is repeated before the attempt fails"
    assert (await world.source(made))["deletedAt"] is None
