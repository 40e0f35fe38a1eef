"""The view of a recording for callers: the catalogue's state, corrected by the state that ACS reports."""

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timedelta

from shared.contracts.http.recording_view import ConsentView, RecordingView
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.states import RUNNING, RecordingState

_CARRIED_OUT = timedelta(seconds=10)  # ACS may need this long to carry out an accepted request


def shown_state(
    recording: Recording, state: RecordingState | None, acs_state: str | None, now: datetime
) -> RecordingState:
    """The catalogue's state, corrected by ACS's if other code paused or ended the recording."""
    if state is None:
        return _state_of(acs_state)
    if state not in RUNNING or acs_state in (None, "unavailable"):
        return state
    if acs_state != "unknown":
        if state is RecordingState.STARTING and acs_state == "inactive" and recording.paused_at is None:
            return state  # ACS reports this for each recording that hasn't begun
        acts = (recording.requested_at, recording.paused_at, recording.resumed_at)
        if state is not RecordingState.STARTING and any(act and now < act + _CARRIED_OUT for act in acts):
            return state
    return _state_of(acs_state)


def view_of(
    recording: Recording,
    chunks: tuple[Chunk, ...],
    history: tuple[AuditEntry, ...],
    state: RecordingState,
    **told: str | None,
) -> RecordingView:
    """`told`: what neither the ledger nor the audit knows, by the view's names."""
    indexes = Counter(chunk.index for chunk in chunks)
    shown = asdict(recording) | {
        "unlinked": bool(recording.unlinked),
        "state": state,
        "consent": ConsentView.of(recording),
        **told,
        "chunks": [asdict(chunk) | {"sibling": indexes[chunk.index] > 1} for chunk in chunks],
        "history": [asdict(entry) for entry in history],
    }
    return RecordingView.model_validate(shown)


def _state_of(acs_state: str | None) -> RecordingState:
    """The state of a recording of which the ledger knows none. ACS knows a recording for as long as it runs."""
    match acs_state:
        case "active":
            return RecordingState.ACTIVE
        case "inactive":
            return RecordingState.PAUSED
        case _:
            return RecordingState.STOPPED
