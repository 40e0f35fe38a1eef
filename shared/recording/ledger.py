"""Updates the ledger from ACS's callbacks: a recording runs, is paused, has ended, or failed to start.

Callbacks repeat, come late and come in any order. `inactive` means paused, ended or not begun: the first callback of
every recording says `inactive`, without a start time. So a callback only shows that something changed, and Callvault
asks ACS for the state. If no callback comes, the sweep asks ACS.

A stopped recording stays stopped. A callback never overwrites a state that a caller set later. Each change is one
conditional write, with an audit entry that is written only once for the same callback.
"""

from datetime import datetime, timedelta

from shared.bookkeeping.writers import Writers
from shared.contracts.events.callbacks import CallbackEvent
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.states import RUNNING, AcsState, RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import DestinationUnavailable, NotFound
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("observation")

_ACS = "ACS"  # the author in audit entries
_ROUNDS = 5  # tries of a conditional write; each fails only if the same recording was written at the same moment
_NEW_FOR = timedelta(minutes=2)  # for this long after a callback, ACS may not know the recording yet
_BEGINNING = frozenset({None, RecordingState.STARTING, RecordingState.ACTIVE})
_NOT_FINAL = frozenset({None, RecordingState.STARTING, RecordingState.FAILED})
_ENTRIES = {RecordingState.STOPPED: "ended", RecordingState.FAILED: "start-failed"}


class LedgerUpdates:
    """Applies state changes in ACS to the ledger."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._recorder, self._catalogue = gateways.recorder, gateways.catalogue
        self._links, self._clock, self._settings = gateways.links, clock, settings

    async def state_changed(self, event: CallbackEvent, recording_id: str) -> None:
        """A recording began, was paused, was resumed or ended. Raises a SourceError if ACS can't say which."""
        await self._move(event, recording_id, await self._current_state(event, recording_id))

    async def start_failed(self, event: CallbackEvent, recording_id: str) -> None:
        """A start failed after it had named its recording. If ACS knows the recording, ACS's state counts instead."""
        found = await self._current_state(event, recording_id)
        gone = found in (None, RecordingState.STOPPED)
        await self._move(event, recording_id, RecordingState.FAILED if gone else found)

    async def call_ended(self, event: CallbackEvent) -> None:
        """A call ended, and usually its recording with it. If the call has exactly one recording, ACS is asked."""
        key = await self._links.recording_of_call(event.server_call_id) if event.server_call_id else None
        recording, _ = await self._catalogue.recording(key) if key else (None, ())
        if recording is not None and recording.recording_id and recording.control is not RecordingState.STOPPED:
            await self.state_changed(event, recording.recording_id)

    async def _current_state(self, event: CallbackEvent, recording_id: str) -> RecordingState | None:
        """The recording's state in ACS; None if ACS just reported the recording and doesn't know it yet."""
        try:
            state = await self._recorder.state(recording_id)
        except NotFound:
            is_new = self._clock.now() < event.at + _NEW_FOR
            if is_new and event.state == "active":
                return RecordingState.ACTIVE
            is_first = event.state == "inactive" and event.started_at is None
            return None if is_new and is_first else RecordingState.STOPPED
        return RecordingState.ACTIVE if state is AcsState.ACTIVE else RecordingState.PAUSED

    async def _move(self, event: CallbackEvent, recording_id: str, acs_state: RecordingState | None) -> None:
        key = key_of(recording_id)
        for _ in range(_ROUNDS):
            stored, chunks = await self._catalogue.recording(key)
            known = stored or Recording(recording_key=key)
            listed_at = known.listed_at or known.started_at or event.started_at or event.at
            due_at = self._clock.now() + self._settings.files_awaited
            item = WorkItem.of_recording(key, recording_id, due_at, listed_at)
            if stored is None or (known.control is RecordingState.FAILED and acs_state in RUNNING):
                # Callvault didn't start it, or its start counts as failed, so that its files aren't awaited.
                # The worklist comes first: after a crash, the sweep checks the recording.
                await self._writers.open_work.add(item)
            unchanged = Recording(recording_key=key, etag=known.etag, listed_at=listed_at)
            changed = _completed(unchanged, known, event, recording_id)
            state = None if acs_state is RecordingState.PAUSED and _has_not_begun(known, event) else acs_state
            # Once files are reported, a callback can only end the recording.
            is_open = not chunks or state is RecordingState.STOPPED
            entries: list[AuditEntry] = []
            if state is not None and is_open and _moves(known, state, event.at):
                # The callback may be an earlier one that comes late: the end is the time at which ACS said so.
                at = self._clock.now() if state is RecordingState.STOPPED else event.at
                changed = _moved(changed, state, known, event, at)
                entries = [_entry(event, _ENTRIES[state], at)] if state in _ENTRIES else []
            if changed == unchanged:
                return
            if await self._writers.recordings.move(changed, *entries):
                if changed.control is RecordingState.FAILED:
                    await self._writers.open_work.remove(item)  # a failed start has no files to wait for
                if known.server_call_id is None and event.server_call_id:
                    await self._links.link_call(event.server_call_id, key)
                log.info(
                    "recording state changed", extra={"action": "observe", "recording_key": key, "state": str(state)}
                )
                return
        raise DestinationUnavailable.contended("the recording in the catalogue")


def _has_not_begun(known: Recording, event: CallbackEvent) -> bool:
    """Whether `inactive` means that the recording hasn't begun, and not that it is paused.

    The ledger has the pause if a caller asked for it, at the start or later.
    """
    started_at = event.started_at or known.started_at
    return started_at is None and known.paused_at is None and known.control in _BEGINNING


def _moves(known: Recording, state: RecordingState, at: datetime) -> bool:
    """Whether the recording changes to ACS's state. It doesn't if a caller changed the state after the callback."""
    if known.control is state or known.control is RecordingState.STOPPED:
        return False
    if known.control is RecordingState.FAILED and state is RecordingState.STOPPED:
        return False  # ACS doesn't know it because it never ran
    if known.control in _NOT_FINAL or state in (RecordingState.STOPPED, RecordingState.FAILED):
        return True
    acts = [known.requested_at, known.paused_at, known.resumed_at]
    return all(act is None or act < at for act in acts)


def _completed(change: Recording, known: Recording, event: CallbackEvent, recording_id: str) -> Recording:
    """Adds the callback's fields that the ledger doesn't have yet."""
    return change.evolve(
        recording_id=recording_id if known.recording_id is None else None,
        server_call_id=event.server_call_id if known.server_call_id is None else None,
        started_at=event.started_at if known.started_at is None else None,
    )


def _moved(change: Recording, state: RecordingState, known: Recording, event: CallbackEvent, at: datetime) -> Recording:
    """Adds the new state, and when the recording got it."""
    change = change.evolve(control=state)
    match state:
        case RecordingState.PAUSED:
            return change.evolve(paused_at=at)
        case RecordingState.STOPPED:
            return change.evolve(stopped_at=at)
        case RecordingState.FAILED:
            return change.evolve(failed_at=at, failure=failure_of(event))
        case _:
            return change.evolve(resumed_at=at if known.control is RecordingState.PAUSED else None)


def _entry(event: CallbackEvent, action: str, at: datetime) -> AuditEntry:
    return AuditEntry(at=at, action=action, by=_ACS, mark=key_of(event.event_id))


def failure_of(event: CallbackEvent) -> str:
    """Why a start failed, by ACS's codes. ACS's message is left out, because it may name people."""
    result = event.result
    return f"ACS gave the codes {result.code} and {result.sub_code}" if result else "ACS gave no reason"
