"""The sweep: nothing waits for a message that never comes, and nobody learns too late what is about to be lost.

It looks at those rows of the worklist that are due. A chunk whose job was lost is queued anew, a failed one is taken up
again at growing intervals while its source lives, one that nears its deadline is raised, louder each time, and one that
passes it is told lost. A recording that ended, and whose files nobody announced, is missed aloud.

For a crash between two writes: the catalogue is written first, the job sent second, and the row says last when to look
again. Whatever is left undone is due still. A chunk under a live lease is never written: it is its worker's.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched

from shared import metrics
from shared.announcing import Announcing
from shared.autorecording import AutoRecording
from shared.clock import Clock
from shared.contracts.jobs import ChunkJob
from shared.errors import CallvaultError, LeaseLost, NotFound
from shared.gateways.bundle import Gateways
from shared.gateways.worklist import WorkItem
from shared.logs import logger
from shared.records import Chunk, Recording
from shared.settings import Settings
from shared.states import MISSING, ChunkState, RecordingState

log = logger("sweep")

_AT_ONCE = 16  # rows looked at together
_THRESHOLDS = {12: logging.WARNING, 4: logging.ERROR, 1: logging.CRITICAL}  # hours before the deadline, and how loud
_FIRST_RESCUE = timedelta(minutes=15)  # after a failure; doubles with each
_LONGEST_RESCUE = timedelta(hours=4)
_ASK_AGAIN = timedelta(minutes=30)  # whether a recording still runs, or its files are still missed
_MISSED_FOR = timedelta(hours=48)  # after a recording's end ACS holds nothing of it any more, wherever it was


class Sweep:
    """Takes care of what is open and went quiet."""

    def __init__(
        self, gateways: Gateways, announcing: Announcing, auto: AutoRecording, clock: Clock, settings: Settings
    ) -> None:
        self._announcing = announcing
        self._catalogue, self._worklist, self._jobs = gateways.catalogue, gateways.worklist, gateways.jobs
        self._recorder, self._tallies, self._auto = gateways.recorder, gateways.tallies, auto
        self._clock, self._settings = clock, settings

    async def run(self) -> int:
        """Looks at every row that is due; gives their number. What fails for one row keeps none of the others."""
        due = [item async for item in self._worklist.due(self._clock.now())]
        for some in batched(due, _AT_ONCE, strict=False):
            await asyncio.gather(*map(self._guarded, some))
        if metrics.open_chunks.wanted:
            await self._count_open()
        log.info("swept", extra={"action": "sweep", "due": len(due)})  # each time: an alert rings when it is silent
        return len(due)

    async def _count_open(self) -> None:
        now, kept = self._clock.now(), self._settings.retention
        metrics.open_chunks.tell([now - deadline + kept async for deadline in self._worklist.deadlines()])

    async def _guarded(self, item: WorkItem) -> None:
        try:
            if item.call_key is not None:
                await self._auto.take_up(item)
            elif item.chunk_key is None:
                await self._look_for_files(item)
            else:
                await self._look_at_chunk(item, item.chunk_key)
        except LeaseLost:
            log.info("a chunk moved on while it was looked at", extra={"action": "sweep", **_keys(item)})
        except CallvaultError as error:
            log.warning("not swept", extra={"action": "sweep", "reason": error.reason, **_keys(item)})

    async def _look_at_chunk(self, item: WorkItem, chunk_key: str) -> None:
        chunk = await self._catalogue.chunk(item.recording_key, chunk_key)
        now = self._clock.now()
        if chunk is not None and not chunk.is_leased(now):
            chunk = await self._announcing.settle(chunk)
        if chunk is None or self._is_done(chunk, now):
            await self._close(item, chunk)
        elif chunk.is_leased(now):
            await self._look_again(chunk, (chunk.lease_until or now) + self._settings.sweep_grace)
        elif chunk.state is ChunkState.ARCHIVED:
            await self._queue(chunk)
        elif now >= chunk.deadline:
            await self._expire(item, chunk, now)
        else:
            await self._take_up(await self._escalated(chunk, now), now)

    async def _expire(self, item: WorkItem, chunk: Chunk, now: datetime) -> None:
        """The deadline is our reckoning, so the source is asked once more after it; what that doesn't bring is lost.

        A chunk whose media are archived, and whose metadata never came, is failed and not lost.
        """
        if chunk.copying_at is None or chunk.copying_at < chunk.deadline:
            if chunk.state is ChunkState.FAILED:
                chunk = await self._catalogue.replace(chunk.fresh(now).evolve(rescues=chunk.rescues + 1))
            await self._queue(chunk)
            return
        if chunk.blob_name is None:
            ended = chunk.move(ChunkState.LOST, lost_at=now, owner=None, lease_until=None, **_expired(chunk))
            ended = await self._catalogue.replace(ended)
            metrics.chunk_ended(ended)
            self._tallies.note(ended)
        elif chunk.state is not ChunkState.FAILED:
            ended = chunk.move(ChunkState.FAILED, failed_at=now, owner=None, lease_until=None, **_expired(chunk))
            ended = await self._catalogue.replace(ended)
            metrics.chunk_ended(ended)
            self._tallies.note(ended)
        else:
            ended = chunk
        log.critical("the deadline has passed", extra={"action": "expire", **ended.log_context()})
        await self._close(item, await self._announcing.settle(ended))

    async def _close(self, item: WorkItem, chunk: Chunk | None) -> None:
        if chunk is None or chunk.outbox is None:
            await self._worklist.remove(item)
        else:
            await self._look_again(chunk, self._announcing.due_again(chunk))

    def _is_done(self, chunk: Chunk, now: datetime) -> bool:
        if chunk.state is ChunkState.ARCHIVED:
            return not self._settings.delete_source or now >= chunk.deadline
        return chunk.state in (ChunkState.RELEASED, ChunkState.LOST, *MISSING)

    async def _take_up(self, chunk: Chunk, now: datetime) -> None:
        if chunk.state is ChunkState.FAILED:
            rescue_at = (chunk.failed_at or now) + min(_FIRST_RESCUE * 2**chunk.rescues, _LONGEST_RESCUE)
            if now < rescue_at:
                await self._look_again(chunk, rescue_at)
                return
            chunk = await self._catalogue.replace(chunk.fresh(now).evolve(rescues=chunk.rescues + 1))
            log.warning("failed chunk taken up again", extra={"action": "rescue", **chunk.log_context()})
        elif chunk.next_attempt_at is not None and now < chunk.next_attempt_at + self._settings.sweep_grace:
            await self._look_again(chunk, chunk.next_attempt_at + self._settings.sweep_grace)
            return
        await self._queue(chunk)

    async def _queue(self, chunk: Chunk) -> None:
        await self._jobs.send(ChunkJob.of(chunk))
        log.info("queued anew", extra={"action": "requeue", **chunk.log_context()})
        await self._look_again(chunk, self._clock.now() + self._settings.sweep_grace)

    async def _escalated(self, chunk: Chunk, now: datetime) -> Chunk:
        """Raises a chunk that has come nearer to its deadline than when it was raised last."""
        left = chunk.deadline - now
        passed = min((hours for hours in _THRESHOLDS if left <= timedelta(hours=hours)), default=None)
        if passed is None or (chunk.escalated is not None and chunk.escalated <= passed):
            return chunk
        raised = await self._catalogue.replace(chunk.evolve(escalated=passed))
        metrics.chunks_escalated.add(1, {"hours": passed})
        context = {"action": "escalate", "hours_left": round(left.total_seconds() / 3600, 2), "threshold": passed}
        log.log(_THRESHOLDS[passed], "chunk nears its deadline", extra={**context, **raised.log_context()})
        return raised

    async def _look_again(self, chunk: Chunk, at: datetime) -> None:
        """Not later than the deadline, nor than the next threshold before it."""
        now = self._clock.now()
        moments = [chunk.deadline - timedelta(hours=hours) for hours in (*_THRESHOLDS, 0)]
        if chunk.outbox is not None:
            at = min(at, self._announcing.due_again(chunk))
        following = min([at, *(moment for moment in moments if moment > now)])
        await self._worklist.add(WorkItem.of_chunk(chunk, following))

    async def _look_for_files(self, item: WorkItem) -> None:
        """A recording that was started here: does it still run, and if not, where are its files?"""
        recording, chunks = await self._catalogue.recording(item.recording_key)
        now = self._clock.now()
        if chunks or (recording is not None and recording.control is RecordingState.FAILED):
            await self._worklist.remove(item)
            return
        recording = recording or Recording(recording_key=item.recording_key, recording_id=item.recording_id)
        if recording.listed_at is None:
            recording = recording.evolve(listed_at=item.listed_at or now)
        if recording.control is not RecordingState.STOPPED:
            if await self._still_runs(item):
                await self._look_for_files_again(item, now + _ASK_AGAIN)
                return
            recording = recording.evolve(control=RecordingState.STOPPED, stopped_at=now)
            await self._catalogue.merge(_change(recording, control=RecordingState.STOPPED, stopped_at=now))
        ended = recording.stopped_at or now
        if now < ended + self._settings.files_awaited:
            await self._look_for_files_again(item, ended + self._settings.files_awaited)
            return
        if recording.overdue_at is None:
            await self._catalogue.merge(_change(recording, overdue_at=now))
            metrics.recordings_overdue.add(1)
        hours = round((now - ended).total_seconds() / 3600, 2)
        log.error("recording's files are missed", extra={"action": "overdue", "hours_since_end": hours, **_keys(item)})
        if now > ended + _MISSED_FOR:
            await self._worklist.remove(item)
        else:
            await self._look_for_files_again(item, now + _ASK_AGAIN)

    async def _still_runs(self, item: WorkItem) -> bool:
        """ACS knows a recording while it runs or is paused. Raises a SourceError when ACS can't be asked."""
        try:
            await self._recorder.state(item.recording_id or "")
        except NotFound:
            return False
        return True

    async def _look_for_files_again(self, item: WorkItem, at: datetime) -> None:
        await self._worklist.add(replace(item, due_at=at))


def _expired(chunk: Chunk) -> dict[str, str]:
    """Why a chunk is lost: what kept failing, or else that nobody came to it."""
    return {
        "fault": chunk.fault or "ours",
        "reason": chunk.reason or "expired",
        "detail": chunk.detail or "the deadline passed before the chunk was archived",
    }


def _change(recording: Recording, **changes: object) -> Recording:
    """Only what changed, since others write the recording too, and its place in lists."""
    kept = {name: getattr(recording, name) for name in ("recording_key", "recording_id", "listed_at")}
    return Recording(**kept).evolve(**changes)


def _keys(item: WorkItem) -> dict[str, object]:
    return {"recording_key": item.recording_key, "chunk_key": item.chunk_key}
