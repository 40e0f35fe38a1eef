"""Watches recordings until ACS has reported all their files, and raises an alert for those that are overdue.

A recording that Callvault started is watched from its start, until the first event reports a file. If that event
doesn't report all files, a second watch begins, with its own worklist row. The second watch ends when the last file
is reported and no index is missing, or 48 hours after the recording's end, when ACS has deleted all of its files.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.bookkeeping.writers import Writers
from shared.domain.clock import Clock
from shared.domain.completeness import has_last
from shared.domain.records import Chunk, Recording
from shared.domain.states import RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import NotFound
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("filewatch")

_INTERVAL = timedelta(minutes=30)  # interval between checks of a recording that still runs or lacks files
_WATCHED_FOR = timedelta(hours=48)  # after a recording's end; by then ACS has deleted its files in every region


class AwaitedFiles:
    """Keeps track of recordings whose files are not all reported."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._catalogue = gateways.catalogue
        self._recorder = gateways.recorder
        self._clock, self._settings = clock, settings

    async def announced(self, recording: Recording, chunks: tuple[Chunk, ...], known: Recording | None) -> None:
        """Starts, continues or ends the watches of a recording whose `chunks` an event reported.

        `known` is the recording as it was before the event. If Callvault didn't start the recording and one event
        reports all of its files, no storage operation is needed. Can be repeated. Raises DestinationError when
        storage fails.
        """
        key, recording_id, now = recording.recording_key, recording.recording_id, self._clock.now()
        if recording_id is not None:
            stopped_at = known.stopped_at if known is not None else None
            whole = recording.evolve(stopped_at=stopped_at).is_whole(chunks)
            if not whole and known is not None and known.announced_at is not None:
                found, stored = await self._catalogue.recording(key)
                whole = (found or recording).is_whole(stored)
                had_watch = True
            else:
                had_watch = known is not None and known.overdue_at is not None
            if not whole or had_watch:
                # If all files are reported now, the sweep ends the earlier watch and clears the overdue report.
                due_at = now + (self._settings.sweep_grace if whole else self._settings.files_awaited)
                await self._writers.open_work.add(WorkItem.of_files(key, recording_id, due_at, recording.listed_at))
        if known is not None and known.control is not None:
            # The first watch ends here: files that are still missing have the second watch's row.
            await self._writers.open_work.remove(WorkItem.of_recording(key, recording_id or "", now))

    async def check(self, item: WorkItem) -> None:
        """The sweep's check: whether the recording still runs and, if it has ended, whether files are overdue."""
        recording, chunks = await self._catalogue.recording(item.recording_key)
        recording = recording or Recording(recording_key=item.recording_key, recording_id=item.recording_id)
        now = self._clock.now()
        if recording.control is RecordingState.FAILED and not chunks:
            await self._writers.open_work.remove(item)
            return
        if recording.listed_at is None:
            recording = recording.evolve(listed_at=item.listed_at or now)
        if not recording.is_whole(chunks) and not _has_ended(recording, chunks):
            if await self._still_runs(item):
                await self._writers.open_work.add(replace(item, due_at=now + _INTERVAL))
                return
            recording = recording.evolve(control=RecordingState.STOPPED, stopped_at=now)
            await self._writers.recordings.merge(
                _only_keys(recording).evolve(control=RecordingState.STOPPED, stopped_at=now)
            )
        if recording.is_whole(chunks):
            await self._end(item, recording)
        else:
            await self._await_files(item, recording, recording.silent_since(chunks) or now)

    async def _await_files(self, item: WorkItem, recording: Recording, ended: datetime) -> None:
        now = self._clock.now()
        if now < ended + self._settings.files_awaited:
            await self._writers.open_work.add(replace(item, due_at=ended + self._settings.files_awaited))
            return
        if recording.overdue_at is None:
            await self._writers.recordings.merge(_only_keys(recording).evolve(overdue_at=now))
            metrics.recordings_overdue.add(1)
        hours = round((now - ended).total_seconds() / 3600, 2)
        keys = {"recording_key": item.recording_key}
        log.error(
            "recording overdue: files not reported by ACS",
            extra={"action": "overdue", "hours_since_end": hours, **keys},
        )
        if now > ended + _WATCHED_FOR:
            await self._writers.open_work.remove(item)
        else:
            await self._writers.open_work.add(replace(item, due_at=now + _INTERVAL))

    async def _end(self, item: WorkItem, recording: Recording) -> None:
        """All files are reported."""
        await self._writers.recordings.remove_from_trouble(recording)
        await self._writers.open_work.remove(item)

    async def _still_runs(self, item: WorkItem) -> bool:
        """Whether ACS still knows the recording, as it does while it runs or is paused. Raises SourceError."""
        try:
            await self._recorder.state(item.recording_id or "")
        except NotFound:
            return False
        return True


def _has_ended(recording: Recording, chunks: tuple[Chunk, ...]) -> bool:
    """Whether the catalogue or the last file shows that the recording ended. If not, the caller asks ACS."""
    return recording.control is RecordingState.STOPPED or has_last(chunks, ended=bool(recording.session_end_reason))


def _only_keys(recording: Recording) -> Recording:
    """A record for a change: other processes write the recording, too, so it has none of the unchanged fields."""
    return Recording(
        recording_key=recording.recording_key, recording_id=recording.recording_id, listed_at=recording.listed_at
    )
