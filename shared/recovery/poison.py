"""Handles messages on the poison queue: stores the message, and fails its chunk only if nothing else processes it.

The host puts a message there when its function failed too often: storage was away, or something happened that we did
not foresee. Keeping the body comes first: the host repeats a message of this queue while its function fails, but only a
few times. Storage that was away for minutes must cost no chunk anything, so a chunk that waits, and that the sweep
queues again, is left as it is; so is one that another message took further. One whose files turn out to be complete is
archived.
"""

from datetime import datetime

from shared.announcing.announcer import Announcing
from shared.archiving.endings import Endings
from shared.archiving.files import Copying
from shared.bookkeeping.books import Books
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

_POISONED = Failure(fault=Fault.OURS, reason="poisoned", detail="its job failed too often: the log has the errors")
_DELIVERIES = 5  # host.json's maxDequeueCount: a chunk that ended its worker each time was claimed as often


class Poison:
    """Stores messages that could not be processed."""

    def __init__(
        self, gateways: Gateways, copying: Copying, announcing: Announcing, clock: Clock, settings: Settings
    ) -> None:
        self._books = Books.over(gateways)
        self._endings = Endings(gateways, announcing, clock, settings)
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
                await self._endings.archive(chunk, files, self._books.chunks.replace)
                await self._jobs.send(ChunkJob.of(chunk))
            elif self._is_queued_again(chunk, now):
                log.warning("chunk left to the sweep", extra={"action": "poison", **chunk.log_context()})
            else:
                await self._endings.give_up(chunk, ChunkState.FAILED, _POISONED, files, self._books.chunks.replace)
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
