"""Updates the ledger from ACS's callbacks: a recording runs, is paused, has ended, or failed to start.

Callbacks repeat, overtake one another and come late, and `inactive` means paused, ended, or not begun: the first
callback of every recording says `inactive`, without a start time. So a callback says only that something changed, and
ACS is asked what is true now; the sweep asks again should none come. A recording that has stopped never runs again, and
what a caller did later than the callback stands. Each move is one conditional write, with an audit entry that the same
callback can make only once.
"""

from datetime import datetime, timedelta
from typing import Any

from shared.bookkeeping.books import Books
from shared.contracts.events.callbacks import CallbackEvent
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.states import RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable, NotFound
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("observation")

_ACS = "ACS"  # who did it, in the audit
_ROUNDS = 5  # each is lost only to another write of the same recording at the same moment
_FRESH = timedelta(minutes=2)  # within it ACS may not know yet what it just announced
_BEGINNING = frozenset({None, RecordingState.STARTING, RecordingState.ACTIVE})
_UNSETTLED = frozenset({None, RecordingState.STARTING, RecordingState.FAILED})
_TIMES = {RecordingState.PAUSED: "paused_at", RecordingState.STOPPED: "stopped_at", RecordingState.FAILED: "failed_at"}
_ENTRIES = {RecordingState.STOPPED: "ended", RecordingState.FAILED: "start-failed"}


class Observation:
    """The ledger, kept true to what happens in ACS by itself."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._books = Books.over(gateways)
        self._recorder, self._catalogue = gateways.recorder, gateways.catalogue
        self._links, self._clock, self._settings = gateways.links, clock, settings

    async def state_changed(self, event: CallbackEvent, recording_id: str) -> None:
        """A recording began, was paused, was resumed, or ended. Raises a SourceError when ACS can't be asked which."""
        await self._move(event, recording_id, await self._truth(event, recording_id))

    async def start_failed(self, event: CallbackEvent, recording_id: str) -> None:
        """A start that had named its recording came to nothing, unless ACS knows the recording after all."""
        found = await self._truth(event, recording_id)
        gone = found in (None, RecordingState.STOPPED)
        await self._move(event, recording_id, RecordingState.FAILED if gone else found)

    async def call_ended(self, event: CallbackEvent) -> None:
        """A recording ends with its call, as a rule: if just one is known of the call, ACS is asked."""
        key = await self._links.recording_of_call(event.server_call_id) if event.server_call_id else None
        recording, _ = await self._catalogue.recording(key) if key else (None, ())
        if recording is not None and recording.recording_id and recording.control is not RecordingState.STOPPED:
            await self.state_changed(event, recording.recording_id)

    async def _truth(self, event: CallbackEvent, recording_id: str) -> RecordingState | None:
        """The state that ACS gives; None for a recording that ACS announced just now and doesn't know yet."""
        try:
            state = await self._recorder.state(recording_id)
        except NotFound:
            is_fresh = self._clock.now() < event.at + _FRESH
            if is_fresh and event.state == "active":
                return RecordingState.ACTIVE
            is_first = event.state == "inactive" and event.started_at is None
            return None if is_fresh and is_first else RecordingState.STOPPED
        return RecordingState.ACTIVE if state == "active" else RecordingState.PAUSED

    async def _move(self, event: CallbackEvent, recording_id: str, told: RecordingState | None) -> None:
        key = key_of(recording_id)
        for _ in range(_ROUNDS):
            standing, chunks = await self._catalogue.recording(key)
            known = standing or Recording(recording_key=key)
            listed_at = known.listed_at or known.started_at or event.started_at or event.at
            due_at = self._clock.now() + self._settings.files_awaited
            item = WorkItem.of_recording(key, recording_id, due_at, listed_at)
            if standing is None:
                # Nobody here started it. The worklist first, so that it is looked after should we die now.
                await self._books.open_work.add(item)
            change = _named(known, event, recording_id)
            state = None if told is RecordingState.PAUSED and _has_not_begun(known, event) else told
            # Files tell that it began, and may come before the callback that tells of its end.
            is_open = not chunks or state is RecordingState.STOPPED
            entries: list[AuditEntry] = []
            if state is not None and is_open and _moves(known, state, event.at):
                change |= {"control": state} | _when(state, known, event)
                entries = [_entry(event, _ENTRIES[state])] if state in _ENTRIES else []
            if not change:
                return
            changed = Recording(recording_key=key, etag=known.etag, listed_at=listed_at).evolve(**change)
            if await self._books.recordings.move(changed, *entries):
                if changed.control is RecordingState.FAILED:
                    await self._books.open_work.remove(item)  # there will be no files to wait for
                if known.server_call_id is None and event.server_call_id:
                    await self._links.link_call(event.server_call_id, key)
                log.info("recording moved", extra={"action": "observe", "recording_key": key, "state": str(state)})
                return
        raise DestinationUnavailable("moving a recording in the catalogue: others were faster each time")


def _has_not_begun(known: Recording, event: CallbackEvent) -> bool:
    """Whether `inactive` says that a recording has yet to begin, and not that it is paused.

    A start that asked for a pause, and any later pause of a caller's, are in the ledger.
    """
    started_at = event.started_at or known.started_at
    return started_at is None and known.paused_at is None and known.control in _BEGINNING


def _moves(known: Recording, state: RecordingState, at: datetime) -> bool:
    """Whether a recording goes over to what ACS says; what was done to it since the callback is newer."""
    if known.control is state or known.control is RecordingState.STOPPED:
        return False
    if known.control in _UNSETTLED or state in (RecordingState.STOPPED, RecordingState.FAILED):
        return True
    acts = [known.requested_at, known.paused_at, known.resumed_at]
    return all(act is None or act < at for act in acts)


def _named(known: Recording, event: CallbackEvent, recording_id: str) -> dict[str, Any]:
    """The facts in the callback that the ledger doesn't have yet."""
    told = {
        "recording_id": recording_id,
        "server_call_id": event.server_call_id,
        "started_at": event.started_at,
    }
    return {name: value for name, value in told.items() if value is not None and getattr(known, name) is None}


def _when(state: RecordingState, known: Recording, event: CallbackEvent) -> dict[str, Any]:
    if state is RecordingState.ACTIVE:
        return {"resumed_at": event.at} if known.control is RecordingState.PAUSED else {}
    failure = {"failure": told_of(event)} if state is RecordingState.FAILED else {}
    return {_TIMES[state]: event.at, **failure}


def _entry(event: CallbackEvent, action: str) -> AuditEntry:
    return AuditEntry(at=event.at, action=action, by=_ACS, mark=key_of(event.event_id))


def told_of(event: CallbackEvent) -> str:
    """Why a start failed, as ACS's codes say it; its words may name people."""
    result = event.result
    return f"ACS gave the codes {result.code} and {result.sub_code}" if result else "ACS gave no reason"
