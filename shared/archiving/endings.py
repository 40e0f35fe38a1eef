"""Ends chunks: archived, released, failed or lost. Writes the state and reports it.

        row, with its outbox ──> metrics, tally, log ──> announcement
                1                            2                     3

After a crash between 1 and 2, metrics and tally lack this end. They are for operators and prove nothing. The log line
of a lost chunk raises an alert, so its worklist row is removed after 2, and the sweep reports a lost chunk that still
has one. A failed chunk is retried by the sweep. The announcement is in the row, so the next job or the sweep sends it.

A read that finds an archived file missing writes `expired` or `removed` itself (shared.queries.missing_files): these
ends are neither announced nor tallied, and queries are a lower layer.
"""

from shared.announcing.announcer import Announcing
from shared.archiving.lease import Write
from shared.archiving.stored_files import Files
from shared.domain.clock import Clock
from shared.domain.failure import Failure
from shared.domain.files.deletion_rule import Keep, reason_to_keep
from shared.domain.records import Chunk
from shared.domain.states import ChunkState, GivenUp
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("endings")


class Endings:
    """Ends chunks. Every method raises what its `write` raises, and DestinationError when storage fails.

    `write` is `ChunkWriter.replace`, or `Lease.end` for a chunk that is being copied.
    """

    def __init__(self, gateways: Gateways, announcing: Announcing, clock: Clock, settings: Settings) -> None:
        self._tallies, self._announcing = gateways.tallies, announcing
        self._clock, self._settings = clock, settings

    async def archive(self, chunk: Chunk, files: Files, write: Write) -> Chunk:
        """Records that the chunk is archived, and why its source is kept, if it is. The release announces it."""
        now = self._clock.now()
        chunk = files.recorded_in(chunk)
        keep = reason_to_keep(chunk)
        moved = chunk.move(
            ChunkState.ARCHIVED,
            archived_at=now,
            failed_at=None,
            lost_at=None,
            owner=None,
            lease_until=None,
            next_attempt_at=None,
            gone=0,
            gone_since=None,
            reported_failure=None,
            failure=keep and keep.failure,
        )
        archived = await write(self._announcing.to_announce(moved, now))
        metrics.chunk_safe(archived, now)
        await self._tallies.count(archived)
        if keep is not None or not self._settings.delete_source:
            metrics.chunk_ended(archived)
        log.info("chunk archived", extra={"action": "archive", "bytes": archived.size, **archived.log_context()})
        if keep is not None and self._settings.delete_source:
            self.report_kept(archived, keep)
        return archived

    def report_kept(self, chunk: Chunk, keep: Keep) -> None:
        """Reports that the source of an archived chunk is kept. Called once for each such chunk."""
        context = {"action": "release", "reason": keep.failure.reason, **chunk.log_context()}
        if keep.alerts:
            log.error("source kept", extra=context)
        else:
            log.info("source not deleted: the event has no delete location", extra=context)

    async def release(self, chunk: Chunk, write: Write) -> Chunk:
        """Records that the source is deleted."""
        now = self._clock.now()
        released = await write(chunk.move(ChunkState.RELEASED, released_at=now, next_attempt_at=None, failure=None))
        metrics.chunk_ended(released)
        log.info("source deleted, chunk released", extra={"action": "release", **released.log_context()})
        return released

    async def give_up(self, chunk: Chunk, end: GivenUp, failure: Failure, files: Files | None, write: Write) -> Chunk:
        """Records that the chunk failed or is lost, with the files that the archive has of it, and announces it.

        If the sweep's retry of a failed chunk fails for the same reason, that is recorded and not reported again.
        """
        now = self._clock.now()
        is_known = end is ChunkState.FAILED and chunk.reported_failure == failure.reason
        moved = (files.recorded_in(chunk) if files else chunk).move(
            end,
            failed_at=now if end is ChunkState.FAILED else chunk.failed_at,
            lost_at=now if end is ChunkState.LOST else chunk.lost_at,
            owner=None,
            lease_until=None,
            next_attempt_at=None,
            reported_failure=failure.reason if end is ChunkState.FAILED else None,
            failure=failure,
        )
        if is_known:
            again = await write(moved)
            log.warning("chunk failed again", extra={"action": "end", "reason": failure.reason, **again.log_context()})
            return await self._announcing.announce(again)
        ended = await write(self._announcing.to_announce(moved, now))
        self.report_given_up(ended)
        metrics.chunk_ended(ended)
        await self._tallies.count(ended)
        return await self._announcing.announce(ended)

    def report_given_up(self, chunk: Chunk) -> None:
        context = {"action": "end", "end": str(chunk.state), "fault": chunk.fault, "reason": chunk.reason}
        log.critical("chunk given up", extra={**context, **chunk.log_context()})
