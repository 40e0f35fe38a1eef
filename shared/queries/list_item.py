"""A recording with its chunks, as the lists and the summary show it."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.http.list_views import ListedRecording, TroubleView
from shared.domain.labels import labels_of
from shared.domain.records import Chunk, Recording
from shared.domain.states import IN_TROUBLE, ONCE_SAFE, ChunkState, RecordingState

_TROUBLES = 5  # the most chunks in trouble that an item shows
UNREADABLE = "unreadable"  # the state of chunks whose rows this version can't read
_NEVER = datetime.min.replace(tzinfo=UTC)  # never shown in practice: each recording in a list has `listed_at`
UNKNOWN = "unknown"  # a state that only ACS knows; lists don't ask ACS


@dataclass(frozen=True, kw_only=True)
class RecordingItem:
    """A recording and its chunks, as one read of the catalogue found them."""

    recording: Recording
    chunks: tuple[Chunk, ...]

    @property
    def state(self) -> RecordingState | None:
        return self.recording.state(self.chunks)

    def is_open(self, now: datetime) -> bool:
        """Whether files are still to be archived, and can be."""
        if not self.chunks:
            return self.state not in (None, RecordingState.FAILED)
        if self.state in (RecordingState.ARCHIVING, RecordingState.OVERDUE):
            return True
        return any(
            chunk.state in (ChunkState.PENDING, ChunkState.COPYING)
            or (chunk.state is ChunkState.FAILED and chunk.deadline > now)
            for chunk in self.chunks
        )

    @property
    def needs_attention(self) -> bool:
        """Whether it has a problem that nobody has acknowledged."""
        return self.state is RecordingState.OVERDUE or any(chunk.needs_attention for chunk in self.chunks)

    def shown(self) -> ListedRecording:
        recording, states = self.recording, Counter(str(chunk.state) for chunk in self.chunks)
        if recording.unreadable:
            states[UNREADABLE] = len(recording.unreadable)
        return ListedRecording(
            recording_id=recording.recording_id,
            recording_key=recording.recording_key,
            state=self.state or UNKNOWN,
            listed_at=recording.listed_at or recording.started_at or _NEVER,
            correlation=recording.correlation,
            labels=labels_of(recording.labels),
            server_call_id=recording.server_call_id,
            call_id=recording.call_id,
            call_connection_id=recording.call_connection_id,
            content=recording.content,
            channel=recording.channel,
            format=recording.format,
            unlinked=bool(recording.unlinked),
            duration_ms=recording.duration_ms,
            participants=max((chunk.participants for chunk in self.chunks if chunk.participants), default=None),
            size=sum(chunk.size or 0 for chunk in self.chunks if not chunk.lacks_media),
            chunks=dict(states),
            deadline=min((chunk.deadline for chunk in self.chunks if chunk.state not in ONCE_SAFE), default=None),
            trouble=self._trouble()[:_TROUBLES],
        )

    def _trouble(self) -> list[TroubleView]:
        if self.state is RecordingState.OVERDUE:
            return [_missed(self.recording)]
        return [_trouble(chunk) for chunk in self.chunks if chunk.state in IN_TROUBLE]


def _missed(recording: Recording) -> TroubleView:
    return TroubleView(
        document_id=None,
        index=None,
        state="overdue",
        since=recording.overdue_at,
        deadline=None,
        fault="source",
        reason="files-overdue",
        detail="the recording ended, and ACS did not report all of its files",
        acknowledged_by=None,
    )


def _trouble(chunk: Chunk) -> TroubleView:
    return TroubleView(
        document_id=chunk.document_id,
        index=chunk.index,
        state=chunk.state,
        since=chunk.removed_at or chunk.lost_at or chunk.failed_at,
        deadline=chunk.deadline,
        fault=chunk.fault,
        reason=chunk.reason,
        detail=chunk.detail,
        acknowledged_by=None if chunk.needs_attention else chunk.acknowledged_by,
    )
