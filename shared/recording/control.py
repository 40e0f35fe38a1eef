"""Stop, pause, resume a recording, and tell where it is: what the HTTP functions answer with.

ACS is asked first and the ledger written after it, since only ACS can refuse. A crash between the two loses nothing:
what was asked can be asked again. What a caller did is written into the audit in one transaction with the ledger. What
ACS carried out is written there even if the ledger has nothing to change, as when it was behind.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from shared.contracts.http.consent import Consent
from shared.contracts.http.recording_view import RecordingView
from shared.domain.clock import Clock
from shared.domain.keys import key_of, must_be_a_recording_id, recording_key_of
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.states import RecordingState
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
from shared.gateways.tables.worklist import WorkItem
from shared.observability.logs import logger
from shared.recording.audit import reported_if_unwritten
from shared.recording.view import shown_state, view_of
from shared.settings.settings import Settings

log = logger("control")

_ENDED = "the recording has ended: start a new one"
_OVER = frozenset({RecordingState.STOPPED, RecordingState.FAILED})


@dataclass(frozen=True, kw_only=True)
class _Act:
    """What callers do to a running recording: its name in the audit, the state it leads to, and where its time goes."""

    name: str
    leads_to: RecordingState
    time: str


class _Done(Enum):
    """What became of an act in ACS."""

    CARRIED_OUT = auto()
    ENDED_BEFORE = auto()


_STOP = _Act(name="stop", leads_to=RecordingState.STOPPED, time="stopped_at")
_PAUSE = _Act(name="pause", leads_to=RecordingState.PAUSED, time="paused_at")
_RESUME = _Act(name="resume", leads_to=RecordingState.ACTIVE, time="resumed_at")


class Control:
    """What callers can do with recordings."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._recorder, self._catalogue, self._audit = gateways.recorder, gateways.catalogue, gateways.audit
        self._worklist = gateways.worklist
        self._clock, self._settings = clock, settings

    async def stop(self, recording_id: str, *, by: str) -> RecordingView:
        """Stops a recording; one that has stopped already stays so. Raises NotFound for one that nobody knows."""
        known, chunks = await self._known(recording_id)
        done = _Done.ENDED_BEFORE
        try:
            await self._recorder.stop(recording_id)
        except (CallOver, CallNotReady):
            log.info("recording had ended already", extra={"action": "stop", "recording_key": key_of(recording_id)})
        except NotFound:
            # In failovers ACS forgets recordings whose files it delivers all the same: reconcile, don't fail.
            if known is None:
                raise
        else:
            done = _Done.CARRIED_OUT
        return await self._noted(_STOP, done, recording_id, by, (known, chunks))

    async def pause(self, recording_id: str, *, by: str) -> RecordingView:
        """Pauses a running recording. Raises Conflict when it has ended, NotFound for one that nobody knows."""
        return await self._hold(_PAUSE, recording_id, self._recorder.pause, by)

    async def resume(self, recording_id: str, consent: Consent | None, *, by: str) -> RecordingView:
        """Resumes a paused recording. Raises as `pause` does, and ConsentRequired where that is needed and missing."""
        return await self._hold(_RESUME, recording_id, self._recorder.resume, by, consent)

    async def _hold(
        self,
        act: _Act,
        recording_id: str,
        ask: Callable[[str], Awaitable[None]],
        by: str,
        consent: Consent | None = None,
    ) -> RecordingView:
        known, chunks = await self._known(recording_id)
        if known is not None and known.control in _OVER:
            raise Conflict(_ENDED)
        if act is _RESUME:
            known = await self._with_consent(known, recording_id, consent, by)
        try:
            await ask(recording_id)
        except CallOver:
            raise Conflict(_ENDED) from None
        except NotFound:
            if known is None:
                raise
            raise Conflict(_ENDED) from None
        return await self._noted(act, _Done.CARRIED_OUT, recording_id, by, (known, chunks))

    async def _with_consent(
        self, known: Recording | None, recording_id: str, consent: Consent | None, by: str
    ) -> Recording | None:
        """Keeps the consent that a resume brings, before ACS is asked: nothing is recorded on no ground.

        After a death in between it stands, and the recording is paused still: the resume can be asked for again.
        """
        if consent is None:
            if self._settings.require_consent and (known is None or known.consent_reference is None):
                raise ConsentRequired("send consent, with its basis, reference and obtainedAt: none is on record")
            return known
        now, key = self._clock.now(), key_of(recording_id)
        consent.must_be_given(now)
        if known is None:
            await self._recorder.state(recording_id)  # nothing is kept of a recording that ACS doesn't know either
            await self._await_files(recording_id, now)
        recording = known or Recording(recording_key=key)
        stated = {f"consent_{name}": value for name, value in consent}
        if stated.items() <= vars(recording).items():
            return recording
        entry = AuditEntry(at=now, action="consent", by=by, details=consent.details())
        change = {"recording_id": recording_id, "listed_at": recording.listed_at or now, **stated}
        await self._catalogue.merge(Recording(recording_key=key).evolve(**change), entry)
        return recording.evolve(**change)

    async def get(self, named: str) -> RecordingView:
        """The ledger's word and ACS's together, of a recording named by its id or key.

        An ACS that can't be reached hides nothing of what the ledger knows. Raises NotFound when neither knows the
        recording, a SourceError when the ledger doesn't and ACS can't be asked.
        """
        key = recording_key_of(named)
        recording_id = await self._id_of(key) if named == key else named
        (known, chunks), acs_state, history = await asyncio.gather(
            self._catalogue.recording(key), self._acs_state(recording_id), self._audit.history(key)
        )
        if isinstance(acs_state, CallvaultError):
            if known is None:
                raise acs_state
            log.warning("ACS did not tell a recording's state", extra={"action": "get", "reason": acs_state.reason})
            acs_state = "unavailable"
        if known is None and acs_state == "unknown":
            raise NotFound("neither the ledger nor ACS knows this recordingId")
        found = known or Recording(recording_key=key, recording_id=recording_id)
        return self._view(found, chunks, history, acs_state)

    async def _known(self, recording_id: str) -> tuple[Recording | None, tuple[Chunk, ...]]:
        must_be_a_recording_id(recording_id)
        return await self._catalogue.recording(key_of(recording_id))

    async def _noted(
        self,
        act: _Act,
        done: _Done,
        recording_id: str,
        by: str,
        found: tuple[Recording | None, tuple[Chunk, ...]],
    ) -> RecordingView:
        """Writes what was just done to a recording, and when it was done first; only that, since others write too."""
        known, chunks = found
        recording = known or Recording(recording_key=key_of(recording_id), recording_id=recording_id)
        key, entry = recording.recording_key, AuditEntry(at=self._clock.now(), action=act.name, by=by)
        log.info("recording command sent", extra={"action": act.name, "recording_key": key})
        with reported_if_unwritten(entry, key) if done is _Done.CARRIED_OUT else nullcontext():
            recording = await self._written(act, done, recording_id, recording, entry)
        return self._view(recording, chunks, await self._audit.history(key))

    async def _written(
        self, act: _Act, done: _Done, recording_id: str, recording: Recording, entry: AuditEntry
    ) -> Recording:
        """The recording as it is now. One that failed, as far as ACS told, and that ACS could stop did run."""
        failed = recording.control is RecordingState.FAILED
        if recording.control is act.leads_to or (failed and done is _Done.ENDED_BEFORE):
            if done is _Done.CARRIED_OUT:
                await self._audit.add(recording.recording_key, entry)
            return recording
        change: dict[str, Any] = {"recording_id": recording_id, "control": act.leads_to, act.time: entry.at}
        if recording.listed_at is None:
            change["listed_at"] = entry.at
        if recording.etag is None or failed:  # nobody here started it, or its files are no longer awaited
            await self._await_files(recording_id, recording.listed_at or entry.at)
        await self._catalogue.merge(Recording(recording_key=recording.recording_key, **change), entry)
        return recording.evolve(**change)

    async def _await_files(self, recording_id: str, now: datetime) -> None:
        """For one that nobody here started. Before the ledger, so that its files are awaited should we die then."""
        due_at = now + self._settings.files_awaited
        await self._worklist.add(WorkItem.of_recording(key_of(recording_id), recording_id, due_at, now))

    async def _id_of(self, key: str) -> str | None:
        """What ACS calls a recording; None for files that nothing links to a recording."""
        known = await self._catalogue.ledger(key)
        return None if known is None else known.recording_id

    async def _acs_state(self, recording_id: str | None) -> str | CallvaultError:
        if recording_id is None:
            return "unknown"
        try:
            return await self._recorder.state(recording_id)
        except (NotFound, InvalidRequest):
            return "unknown"
        except CallvaultError as error:
            return error

    def _view(
        self,
        recording: Recording,
        chunks: tuple[Chunk, ...],
        history: tuple[AuditEntry, ...],
        acs_state: str | None = None,
    ) -> RecordingView:
        state = shown_state(recording, recording.state(chunks), acs_state, self._clock.now())
        container = self._settings.archive_container
        return view_of(recording, chunks, history, state, acs_state=acs_state, archive_container=container)
