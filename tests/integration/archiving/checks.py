"""What a test checks of a chunk that is archived and released."""

import hashlib
import json
from typing import Any

from shared.domain.states import ChunkState
from tests.integration.world import World

KIB = 1024


MIB = 1024 * KIB


async def check_released(world: World, made: dict[str, Any], number: int = 0) -> None:
    """Checks that the archive has the source's bytes, the catalogue has their digests, and the source is deleted."""
    chunk = await world.chunk(world.job(made, number))
    original = made["chunks"][number]
    blobs = await world.blobs()
    assert chunk.state is ChunkState.RELEASED
    assert chunk.blob_name is not None
    assert chunk.metadata_blob_name is not None
    assert (chunk.size, chunk.sha256) == (original["size"], original["sha256"])
    assert (chunk.metadata_size, chunk.metadata_sha256) == (original["metadataSize"], original["metadataSha256"])
    assert hashlib.sha256(blobs[chunk.blob_name]).hexdigest() == original["sha256"]
    assert hashlib.sha256(blobs[chunk.metadata_blob_name]).hexdigest() == original["metadataSha256"]
    assert (await world.source(made, number))["deletedAt"] is not None


async def shown_chunk(world: World, made: dict[str, Any]) -> dict[str, Any]:
    """The chunk in the answer of the recording's route."""
    answer = await world.commands.get(made["recordingId"])
    chunk: dict[str, Any] = json.loads(answer.body)["chunks"][0]
    return chunk
