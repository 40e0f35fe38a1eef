"""Changes storage without the app: archived files, the poison queue, and rows that no version can read.

An archived file is changed after its chunk was archived and before its source is deleted.
"""

import asyncio
import base64
import contextlib
import time
from dataclasses import dataclass, field
from datetime import timedelta

from azure.core.exceptions import AzureError

from local.faults.running_stack.stack_client import QUEUE, SPOILED, StackClient
from local.faults.schedules.scenarios import Tampering
from shared.contracts.jobs import ChunkJob
from shared.domain.states import ChunkState
from shared.gateways.tables.entities import CHUNK_ROWS

_PATIENCE = 60.0  # seconds until a chunk is archived
_POLL = 0.1
_POISONED_WITHIN = 120.0  # seconds
_OTHER_BYTES = b"RIFF\x00\x00\x00\x00WAVE these are not the bytes that were archived"


@dataclass(kw_only=True)
class Tamperer:
    client: StackClient
    done: dict[str, tuple[Tampering, float]] = field(default_factory=dict)  # by documentId; monotonic time

    async def tamper(self, document_id: str, tampering: Tampering) -> None:
        """Waits until the chunk is archived, and changes its file. Does nothing if it was released before."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    try:
                        if await self._tampered(document_id, tampering):
                            return
                    except AzureError:
                        pass  # storage is being restarted
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            return

    async def _tampered(self, document_id: str, tampering: Tampering) -> bool:
        for chunk in await self.client.chunks_of(document_id):
            if chunk.state is ChunkState.RELEASED:
                return True
            if chunk.state is ChunkState.ARCHIVED and chunk.blob_name is not None:
                if tampering is Tampering.REPLACE:
                    await self.client.archive.upload_blob(chunk.blob_name, _OTHER_BYTES, overwrite=True)
                else:
                    await self.client.archive.delete_blob(chunk.blob_name)
                self.done[document_id] = (tampering, time.monotonic())
                return True
        return False

    def was_done_within(self, document_id: str, within: float) -> bool:
        """Whether the change is so recent that the app may have checked the files before."""
        return document_id in self.done and time.monotonic() - self.done[document_id][1] < within


async def spoil(client: StackClient) -> None:
    """Adds an unreadable chunk to the catalogue and to each shard of the worklist."""
    for shard in "0123456789abcdef":
        key = shard * 32
        row = f"20000101T000000.000000-{key}-{key}"
        chunk = {"PartitionKey": key, "RowKey": CHUNK_ROWS + key, "state": "transcendent", "documentId": SPOILED}
        due = {"recordingKey": key, "chunkKey": key, "dueAt": client.now() - timedelta(days=1)}
        await client.tables.get_table_client("recordings").upsert_entity(chunk)
        await client.tables.get_table_client("worklist").upsert_entity({"PartitionKey": shard, "RowKey": row, **due})


async def poison(client: StackClient, document_id: str) -> None:
    """Puts a chunk's job on the poison queue as soon as the chunk waits for its next attempt, if it ever does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_POISONED_WITHIN):
            while True:
                if await _poisoned(client, document_id):
                    return
                await asyncio.sleep(0.1)


async def _poisoned(client: StackClient, document_id: str) -> bool:
    """Whether the message was sent or is no longer needed."""
    with contextlib.suppress(AzureError):  # storage may be restarting
        for chunk in await client.chunks_of(document_id):
            if chunk.state is ChunkState.RELEASED:
                return True
            if chunk.state is ChunkState.PENDING and chunk.attempts:
                job = base64.b64encode(ChunkJob.of(chunk).model_dump_json(exclude_none=True).encode())
                await client.queues.get_queue_client(f"{QUEUE}-poison").send_message(job.decode())
                return True
    return False
