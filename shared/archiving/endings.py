"""Reports every end of a chunk after its row is written: metrics, tallies and announcements."""

from datetime import datetime
from typing import Any

from shared.announcing.announcer import Announcing
from shared.archiving.stored_files import Files
from shared.domain.records import Chunk
from shared.domain.source_locations import Keep, reason_to_keep
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("endings")


def archived_with(chunk: Chunk, files: Files, now: datetime) -> dict[str, Any]:
    """The fields of a row that becomes `archived`: its files, and the reason if its source is to be kept."""
    keep = reason_to_keep(chunk.evolve(**files.as_fields()))
    return {
        **files.as_fields(),
        "archived_at": now,
        "failed_at": None,
        "lost_at": None,
        "owner": None,
        "lease_until": None,
        "next_attempt_at": None,
        "gone": 0,
        "gone_since": None,
        "fault": keep and "source",
        "reason": keep and keep.reason,
        "detail": keep and keep.detail,
    }


class Endings:
    """Called once for each chunk that becomes safe, fails or is lost, after its row is written."""

    def __init__(self, gateways: Gateways, announcing: Announcing, settings: Settings) -> None:
        self._tallies, self._announcing, self._settings = gateways.tallies, announcing, settings

    async def archived(self, chunk: Chunk) -> None:
        """The announcement is left to the release that follows."""
        metrics.chunk_safe(chunk, chunk.archived_at or chunk.pending_at)
        await self._tallies.note(chunk)
        keep = reason_to_keep(chunk)
        if keep is not None or not self._settings.delete_source:
            metrics.chunk_ended(chunk)
        log.info("archived", extra={"action": "archive", "bytes": chunk.size, **chunk.log_context()})
        if keep is not None and self._settings.delete_source:
            self.kept(chunk, keep)

    def kept(self, chunk: Chunk, keep: Keep) -> None:
        """Called once for each archived chunk whose source is not to be deleted."""
        context = {"action": "release", "reason": keep.reason, **chunk.log_context()}
        if keep.alerts:
            log.error("source kept", extra=context)
        else:
            log.info("nothing to delete", extra=context)

    async def ended(self, chunk: Chunk) -> Chunk:
        """The chunk with its outbox as it is after the announcement. Raises DestinationError."""
        metrics.chunk_ended(chunk)
        await self._tallies.note(chunk)
        return await self._announcing.settle(chunk)
