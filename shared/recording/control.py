"""Stops, pauses and resumes recordings, and shows their state.

        ACS ──> ledger and audit entry, one transaction
         1                    2

ACS comes first, because only ACS can refuse. After a crash between 1 and 2, the caller repeats the request, which ACS
accepts again. Each action that ACS carried out gets an audit entry, even if the ledger needs no change. Callers name a
recording by its recordingId or its key.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from shared.bookkeeping.writers import Writers
from shared.contracts.http.consent import Consent
from shared.contracts.http.recording_view import RecordingView
from shared.domain.clock import Clock
from shared.domain.keys import recording_key_of
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.states import AcsState, RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import (
    CallNotReady,
    CallOver,
    CallvaultError,
    Conflict,
    ConsentRequired,
    InvalidRequest,
    NotFound,
)
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.recording.unwritten_audit import reported_if_unwritten
from shared.recording.view import Known, view_of
from shared.settings.settings import Settings

log = logger("control")

_ENDED = "the recording has ended: start a new one"
_OVER = frozenset({RecordingState.STOPPED, RecordingState.FAILED})


class _Act(Enum):
    """An action on a running recording. The value is its name in audit entries."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


class _Done(Enum):
    """The result of an action in ACS."""

    CARRIED_OUT = auto()
    ENDED_BEFORE = auto()


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A recording's id and key, and its record and chunks in the catalogue."""

    recording_id: str
    key: str
    recording: Recording | None
    chunks: tuple[Chunk, ...]


class Control:
    """Stops, pauses, resumes and shows recordings."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._recorder, self._catalogue, self._audit = gateways.recorder, gateways.catalogue, gateways.audit
        self._clock, self._settings = clock, settings

    async def stop(self, named: str, *, by: str) -> RecordingView:
        """Stops a recording, unless it has ended already. Raises NotFound if neither ACS nor the ledger knows it."""
        found = await self._find(named)
        done = _Done.ENDED_BEFORE
        try:
            await self._recorder.stop(found.recording_id)
        except (CallOver, CallNotReady):
            log.info("recording had already ended", extra={"action": "stop", "recording_key": found.key})
        except NotFound:
            # After a failover ACS may not know a recording any more and still deliver its files: don't fail.
            if found.recording is None:
                raise
        else:
            done = _Done.CARRIED_OUT
        return await self._record(_Act.STOP, done, found, by)

    async def pause(self, named: str, *, by: str) -> RecordingView:
        """Pauses a running recording. Raises Conflict if it has ended, NotFound if ACS and the ledger don't know it."""
        found = await self._find_running(named)
        return await self._pause_or_resume(_Act.PAUSE, found, self._recorder.pause, by)

    async def resume(self, named: str, consent: Consent | None, *, by: str) -> RecordingView:
        """Resumes a paused recording. Raises as `pause` does, and ConsentRequired if consent is needed and missing."""
        found = await self._find_running(named)
        found = replace(found, recording=await self._with_consent(found, consent, by))
        return await self._pause_or_resume(_Act.RESUME, found, self._recorder.resume, by)

    async def _find(self, named: str) -> _Found:
        """Raises InvalidRequest for an invalid name, NotFound for a key whose recordingId isn't in the catalogue."""
        key = recording_key_of(named)
        recording, chunks = await self._catalogue.recording(key)
        recording_id: str | None = named
        if named == key:
            recording_id = None if recording is None else recording.recording_id
        if recording_id is None:
            raise NotFound("the catalogue has no recordingId for this recordingKey")
        return _Found(recording_id=recording_id, key=key, recording=recording, chunks=chunks)

    async def _find_running(self, named: str) -> _Found:
        found = await self._find(named)
        if found.recording is not None and found.recording.control in _OVER:
            raise Conflict(_ENDED)
        return found

    async def _pause_or_resume(
        self, act: _Act, found: _Found, ask: Callable[[str], Awaitable[None]], by: str
    ) -> RecordingView:
        try:
            await ask(found.recording_id)
        except CallOver:
            raise Conflict(_ENDED) from None
        except NotFound:
            if found.recording is None:
                raise
            raise Conflict(_ENDED) from None
        return await self._record(act, _Done.CARRIED_OUT, found, by)

    async def _with_consent(self, found: _Found, consent: Consent | None, by: str) -> Recording | None:
        """Stores the consent of a resume before ACS is asked, so that no call is recorded without stored consent.

        After a crash in between, the consent is stored and the recording is still paused. The caller resumes it again.
        """
        known = found.recording
        if consent is None:
            if self._settings.require_consent and (known is None or known.consent_reference is None):
                raise ConsentRequired(
                    "send consent, with its basis, reference and obtainedAt: this recording has none yet"
                )
            return known
        now = self._clock.now()
        consent.must_be_given(now)
        if known is None:
            await self._recorder.state(found.recording_id)  # raises NotFound: an unknown recording gets no row
            await self._await_files(found, now)
        recording = _consented(known or Recording(recording_key=found.key), consent)
        if recording == known:
            return known
        entry = AuditEntry(at=now, action="consent", by=by, details=consent.details())
        listed_at = recording.listed_at or now
        change = Recording(recording_key=found.key, recording_id=found.recording_id, listed_at=listed_at)
        if not await self._write(_consented(change, consent), entry, is_new=recording.etag is None):
            read = await self._catalogue.ledger(found.key)
            return await self._with_consent(replace(found, recording=read), consent, by)
        return recording.evolve(recording_id=found.recording_id, listed_at=listed_at)

    async def get(self, named: str) -> RecordingView:
        """Shows a recording, from the ledger and ACS.

        If ACS can't be reached, only the ledger's part is shown. Raises NotFound if neither knows the recording, and a
        SourceError if the ledger doesn't know it and ACS can't be reached.
        """
        key = recording_key_of(named)
        recording_id = await self._id_of(key) if named == key else named
        (known, chunks), acs_state, history = await asyncio.gather(
            self._catalogue.recording(key), self._acs_state(recording_id), self._audit.history(key)
        )
        if isinstance(acs_state, CallvaultError):
            if known is None:
                raise acs_state
            log.warning("recording state unavailable from ACS", extra={"action": "get", "reason": acs_state.reason})
            acs_state = AcsState.UNAVAILABLE
        if known is None and acs_state is AcsState.UNKNOWN:
            raise NotFound("neither the ledger nor ACS knows this recording")
        recording = known or Recording(recording_key=key, recording_id=recording_id)
        return self._view(Known(recording=recording, chunks=chunks, history=history, acs_state=acs_state))

    async def _record(self, act: _Act, done: _Done, found: _Found, by: str) -> RecordingView:
        """Writes an action to the ledger and the audit, and returns the view. Only changed fields are written."""
        recording = found.recording or Recording(recording_key=found.key, recording_id=found.recording_id)
        entry = AuditEntry(at=self._clock.now(), action=act.value, by=by)
        log.info("recording command sent", extra={"action": act.value, "recording_key": found.key})
        with reported_if_unwritten(entry, found.key) if done is _Done.CARRIED_OUT else nullcontext():
            recording = await self._written(act, done, found, recording, entry)
        history = await self._audit.history(found.key)
        return self._view(Known(recording=recording, chunks=found.chunks, history=history))

    async def _written(
        self, act: _Act, done: _Done, found: _Found, recording: Recording, entry: AuditEntry
    ) -> Recording:
        """Writes the ledger and the audit entry, and returns the recording as it is now.

        If ACS could stop a recording whose start it had reported as failed, the recording did run.
        """
        failed, written = recording.control is RecordingState.FAILED, _after(act, recording, entry.at)
        if written.control is recording.control or (failed and done is _Done.ENDED_BEFORE):
            if done is _Done.CARRIED_OUT:
                await self._audit.add(found.key, entry)
            return recording
        if recording.etag is None or failed:  # the recording is new to the ledger, or its files are no longer awaited
            await self._await_files(found, recording.listed_at or entry.at)
        newly_listed = entry.at if recording.listed_at is None else None
        change = Recording(recording_key=found.key, recording_id=found.recording_id, listed_at=newly_listed)
        if not await self._write(_after(act, change, entry.at), entry, is_new=recording.etag is None):
            read = await self._catalogue.ledger(found.key)
            return await self._written(act, done, found, read or recording, entry)
        return written.evolve(recording_id=found.recording_id, listed_at=recording.listed_at or entry.at)

    async def _write(self, change: Recording, entry: AuditEntry, *, is_new: bool) -> bool:
        """Writes a change to the ledger. Returns False if the recording had no row, and has one now.

        The lists of that row have entries under its `listed_at`, which the change would replace.
        """
        if is_new:
            return await self._writers.recordings.move(change, entry)
        await self._writers.recordings.merge(change, entry)
        return True

    async def _await_files(self, found: _Found, now: datetime) -> None:
        """Adds a recording that Callvault didn't start to the worklist, before the ledger, in case of a crash."""
        due_at = now + self._settings.files_awaited
        await self._writers.open_work.add(WorkItem.of_recording(found.key, found.recording_id, due_at, now))

    async def _id_of(self, key: str) -> str | None:
        """The recordingId of a recording; None if no event or link names the recording of its files."""
        known = await self._catalogue.ledger(key)
        return None if known is None else known.recording_id

    async def _acs_state(self, recording_id: str | None) -> AcsState | CallvaultError:
        if recording_id is None:
            return AcsState.UNKNOWN
        try:
            return await self._recorder.state(recording_id)
        except (NotFound, InvalidRequest):
            return AcsState.UNKNOWN
        except CallvaultError as error:
            return error

    def _view(self, known: Known) -> RecordingView:
        return view_of(known, self._clock.now(), archive_container=self._settings.archive_container)


def _after(act: _Act, recording: Recording, at: datetime) -> Recording:
    match act:
        case _Act.STOP:
            return recording.evolve(control=RecordingState.STOPPED, stopped_at=at)
        case _Act.PAUSE:
            return recording.evolve(control=RecordingState.PAUSED, paused_at=at)
        case _Act.RESUME:
            return recording.evolve(control=RecordingState.ACTIVE, resumed_at=at)


def _consented(recording: Recording, consent: Consent) -> Recording:
    return recording.evolve(
        consent_basis=consent.basis, consent_reference=consent.reference, consent_obtained_at=consent.obtained_at
    )
