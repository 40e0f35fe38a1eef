"""What ends on the poison queue: the message is kept, and its chunk says that it failed.

The host puts a message there when its function failed too often for a reason that we did not foresee. Keeping the body
comes first: the host brings a message of this queue again while its function fails, but only a few times. A chunk that
another message took further meanwhile is left as it is.
"""

import base64
import hashlib
import json

from shared import metrics
from shared.announcing import Announcing
from shared.clock import Clock
from shared.contracts.jobs import ChunkJob
from shared.errors import InvalidJob, LeaseLost
from shared.gateways.bundle import Gateways
from shared.logs import logger
from shared.states import ChunkState

log = logger("poison")


class Poison:
    """Buries messages that could not be worked."""

    def __init__(self, gateways: Gateways, announcing: Announcing, clock: Clock) -> None:
        self._announcing = announcing
        self._archive, self._catalogue = gateways.archive, gateways.catalogue
        self._tallies, self._clock = gateways.tallies, clock

    async def bury(self, body: bytes) -> None:
        """Keeps a message and fails its chunk. Raises DestinationError when storage fails."""
        now = self._clock.now()
        name = f"jobs/{hashlib.sha256(body).hexdigest()[:32]}.json"
        kept = {
            "reason": "the function failed too often",
            "receivedAt": now.isoformat(),
            "bodyBase64": base64.b64encode(body).decode(),
        }
        await self._archive.quarantine(name, json.dumps(kept, indent=2).encode())
        log.critical("message buried", extra={"action": "poison", "blob": name})
        try:
            job = ChunkJob.decode(body)
        except InvalidJob:
            return
        chunk = await self._catalogue.chunk(job.recordingKey, job.chunkKey)
        if chunk is None or chunk.is_leased(now) or chunk.state not in (ChunkState.PENDING, ChunkState.COPYING):
            return
        failed = chunk.move(
            ChunkState.FAILED,
            failed_at=now,
            owner=None,
            lease_until=None,
            fault="ours",
            reason="poisoned",
            detail="its job failed too often for a reason that was not foreseen; the log has it",
        )
        try:
            failed = await self._catalogue.replace(failed)
        except LeaseLost:
            return
        metrics.chunk_ended(failed)
        await self._tallies.note(failed)
        log.critical("chunk failed", extra={"action": "poison", **failed.log_context()})
        await self._announcing.settle(failed)
