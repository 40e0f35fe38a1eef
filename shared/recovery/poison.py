"""Handles messages on the poison queue: stores the message, and fails its chunk only if nothing else processes it.

The host moves a message to the poison queue after its function failed too often, because storage was unavailable or
because of an unexpected error. Two steps follow:

1. The message is stored in the quarantine. This comes first because the host retries a poison message only a few times.
2. Its chunk is checked. If the archive holds all of its files, the chunk is archived. If the sweep or another message
   still processes it, it stays as it is: an outage of storage must fail no chunk. Otherwise the chunk fails.

A crash between the two steps leaves a stored message and an open chunk, which the sweep checks.
"""

from datetime import datetime

from shared.announcing.announcer import Announcing
from shared.archiving.endings import Endings
from shared.archiving.files import FileCopier
from shared.bookkeeping.writers import Writers
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.failure import Failure
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.errors import Fault, InvalidJob, LeaseLost, UnreadableRow
from shared.gateways.blobs.quarantine import Folder, QuarantineItem
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("poison")

_POISONED = Failure(
    fault=Fault.OURS,
    reason="poisoned",
    detail="its job failed five times; the log lines of the function archive_chunk have the errors",
)
_DELIVERIES = 5  # maxDequeueCount in host.json: a chunk whose worker crashed on each delivery has as many attempts


class Poison:
    """Stores messages that could not be processed."""

    def __init__(
        self, gateways: Gateways, copier: FileCopier, announcing: Announcing, clock: Clock, settings: Settings
    ) -> None:
        self._writers = Writers.over(gateways)
        self._endings = Endings(gateways, announcing, clock, settings)
        self._quarantine, self._catalogue, self._jobs = gateways.quarantine, gateways.catalogue, gateways.jobs
        self._copier, self._clock, self._settings = copier, clock, settings

    async def keep(self, body: bytes) -> None:
        """Stores a message in the quarantine and checks its chunk. Raises DestinationError when storage fails."""
        now = self._clock.now()
        message = QuarantineItem.body(Folder.JOBS, body)
        await self._quarantine.keep(message, "the function failed too often", at=now, by=None)
        log.critical("poison message kept", extra={"action": "poison", "blob": message.name})
        try:
            job = ChunkJob.decode(body)
            chunk = await self._catalogue.chunk(job.recordingKey, job.chunkKey)
        except (InvalidJob, UnreadableRow):
            return  # this version can't read the job, or can't read the chunk's row, which the sweep reports
        if chunk is None or chunk.is_leased(now) or chunk.state not in (ChunkState.PENDING, ChunkState.COPYING):
            return
        files = await self._copier.found(chunk)
        try:
            if files.are_complete(chunk):
                await self._endings.archive(chunk, files, self._writers.chunks.replace)
                await self._jobs.send(ChunkJob.of(chunk))
            elif self._is_queued_again(chunk, now):
                log.warning(
                    "chunk stays open: another message or the sweep continues it",
                    extra={"action": "poison", **chunk.log_context()},
                )
            else:
                await self._endings.give_up(chunk, ChunkState.FAILED, _POISONED, files, self._writers.chunks.replace)
        except LeaseLost:
            return

    def _is_queued_again(self, chunk: Chunk, now: datetime) -> bool:
        """Whether the chunk has another message, or will get one from the sweep.

        A pending chunk has none if its only message became poison before the sweep's first check.

        A copying chunk fails if its worker crashed on every delivery: the sweep retries it later, at longer intervals.
        If the chunk has a reason, an attempt ended without a crash, so `attempts` doesn't count crashes alone.
        """
        if chunk.state is ChunkState.COPYING:
            return chunk.reason is not None or chunk.attempts < _DELIVERIES
        was_tried = chunk.copying_at is not None or chunk.next_attempt_at is not None
        return was_tried or now >= chunk.pending_at + self._settings.sweep_grace
