"""Makes the view of a recording that callers get: the catalogue's fields, and the state corrected by ACS's state."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.http.recording_view import AuditView, ChunkView, ConsentView, RecordingView
from shared.domain.labels import labels_of
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.states import RUNNING, AcsState, RecordingState

_CARRIED_OUT = timedelta(seconds=10)  # ACS may need this long to carry out an accepted request


def _shown_state(
    recording: Recording, state: RecordingState | None, acs_state: AcsState | None, now: datetime
) -> RecordingState:
    """The catalogue's state, or ACS's state if other code paused, resumed or ended the recording."""
    if state is None:
        return _state_of(acs_state)
    if state not in RUNNING or acs_state in (None, AcsState.UNAVAILABLE):
        return state
    if acs_state is not AcsState.UNKNOWN:
        if state is RecordingState.STARTING and acs_state is AcsState.INACTIVE and recording.paused_at is None:
            return state  # ACS also reports `inactive` for a recording that hasn't begun
        acts = (recording.requested_at, recording.paused_at, recording.resumed_at)
        if state is not RecordingState.STARTING and any(act and now < act + _CARRIED_OUT for act in acts):
            return state
    return _state_of(acs_state)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A recording's row, chunks and history, and its state in ACS if ACS was asked."""

    recording: Recording
    chunks: tuple[Chunk, ...]
    history: tuple[AuditEntry, ...]
    acs_state: AcsState | None = None


def view_of(known: Known, now: datetime, *, archive_container: str) -> RecordingView:
    recording, chunks = known.recording, known.chunks
    indexes = Counter(chunk.index for chunk in chunks)
    return RecordingView(
        recording_id=recording.recording_id,
        recording_key=recording.recording_key,
        state=_shown_state(recording, recording.state(chunks), known.acs_state, now),
        acs_state=known.acs_state,
        correlation=recording.correlation,
        labels=labels_of(recording.labels),
        unlinked=bool(recording.unlinked),
        server_call_id=recording.server_call_id,
        call_connection_id=recording.call_connection_id,
        group_call_id=recording.group_call_id,
        room_id=recording.room_id,
        content=recording.content,
        channel=recording.channel,
        format=recording.format,
        requested_at=recording.requested_at,
        paused_at=recording.paused_at,
        resumed_at=recording.resumed_at,
        stopped_at=recording.stopped_at,
        started_at=recording.started_at,
        announced_at=recording.announced_at,
        overdue_at=recording.overdue_at,
        consent=ConsentView.of(recording),
        failed_at=recording.failed_at,
        failure=recording.failure,
        duration_ms=recording.duration_ms,
        session_end_reason=recording.session_end_reason,
        archive_container=archive_container,
        chunks=[ChunkView.of(chunk, sibling=indexes[chunk.index] > 1) for chunk in chunks],
        history=[AuditView.of(entry) for entry in known.history],
    )


def _state_of(acs_state: AcsState | None) -> RecordingState:
    """The state of a recording that has none in the ledger. ACS knows a recording only while it runs."""
    match acs_state:
        case AcsState.ACTIVE:
            return RecordingState.ACTIVE
        case AcsState.INACTIVE:
            return RecordingState.PAUSED
        case _:
            return RecordingState.STOPPED
