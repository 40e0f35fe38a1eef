"""Changes files in the archive without the app, after a chunk was archived and before its source is deleted."""

import asyncio
import time
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError

from local.faults.running_stack.stack_client import StackClient
from local.faults.schedules.scenarios import Tampering
from shared.domain.states import ChunkState

_PATIENCE = 60.0  # seconds until a chunk is archived
_POLL = 0.1
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
