"""Handles messages on the poison queue: stores the message, and fails its chunk only if nothing else processes it.

The host puts a message there when its function failed too often: storage was away, or something happened that we did
not foresee. Keeping the body comes first: the host repeats a message of this queue while its function fails, but only a
few times. Storage that was away for minutes must cost no chunk anything, so a chunk that waits, and that the sweep
queues again, is left as it is; so is one that another message took further. One whose files turn out to be complete is
archived.
"""

from datetime import datetime

from shared.announcing.announcer import Announcing
from shared.archiving.endings import Endings, archived_with
from shared.archiving.files import Copying
from shared.archiving.stored_files import Files
from shared.contracts.jobs import ChunkJob
from shared.domain.clock import Clock
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.errors import InvalidJob, LeaseLost, UnreadableRow
from shared.gateways.blobs.quarantine import Folder, QuarantineItem
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("poison")

_DELIVERIES = 5  # host.json's maxDequeueCount: a chunk that ended its worker each time was claimed as often


class Poison:
    """Stores messages that could not be processed."""

    def __init__(
        self, gateways: Gateways, copying: Copying, announcing: Announcing, clock: Clock, settings: Settings
    ) -> None:
        self._endings = Endings(gateways, announcing, settings)
        self._quarantine, self._catalogue, self._jobs = gateways.quarantine, gateways.catalogue, gateways.jobs
        self._copying, self._clock, self._settings = copying, clock, settings

    async def bury(self, body: bytes) -> None:
        """Keeps a message and looks after its chunk. Raises DestinationError when storage fails."""
        now = self._clock.now()
        message = QuarantineItem.body(Folder.JOBS, body)
        await self._quarantine.keep(message, "the function failed too often", at=now, by=None)
        log.critical("message buried", extra={"action": "poison", "blob": message.name})
        try:
            job = ChunkJob.decode(body)
            chunk = await self._catalogue.chunk(job.recordingKey, job.chunkKey)
        except (InvalidJob, UnreadableRow):
            return  # this version can't read the chunk's row, which the sweep reports
        if chunk is None or chunk.is_leased(now) or chunk.state not in (ChunkState.PENDING, ChunkState.COPYING):
            return
        files = await self._copying.standing(chunk)
        try:
            if files.are_complete(chunk):
                archived = chunk.move(ChunkState.ARCHIVED, **archived_with(chunk, files, now))
                await self._endings.archived(await self._catalogue.replace(archived))
                await self._jobs.send(ChunkJob.of(chunk))
            elif self._is_queued_again(chunk, now):
                log.warning("chunk left to the sweep", extra={"action": "poison", **chunk.log_context()})
            else:
                await self._fail(chunk, files, now)
        except LeaseLost:
            return

    def _is_queued_again(self, chunk: Chunk, now: datetime) -> bool:
        """Whether the chunk has another message, or will have one from the sweep.

        It has none if its only message became poison before the sweep first looked. A chunk that ended its worker at
        each delivery had its chance: it fails, and the sweep takes it up again after a while. An attempt that came to
        an end of its own left a reason: then the attempts don't count the workers that ended.
        """
        if chunk.state is ChunkState.COPYING:
            return chunk.reason is not None or chunk.attempts < _DELIVERIES
        was_tried = chunk.copying_at is not None or chunk.next_attempt_at is not None
        return was_tried or now >= chunk.pending_at + self._settings.sweep_grace

    async def _fail(self, chunk: Chunk, files: Files, now: datetime) -> None:
        failed = chunk.move(
            ChunkState.FAILED,
            **files.as_fields(),
            failed_at=now,
            owner=None,
            lease_until=None,
            fault="ours",
            reason="poisoned",
            detail="its job failed too often for a reason that was not foreseen; the log has it",
        )
        failed = await self._catalogue.replace(failed)
        log.critical("chunk failed", extra={"action": "poison", "reason": failed.reason, **failed.log_context()})
        await self._endings.ended(failed)
