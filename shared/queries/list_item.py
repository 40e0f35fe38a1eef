"""A recording with its chunks, as lists and the summary show it."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime

from shared.contracts.http.list_views import ListedRecording, TroubleView
from shared.domain.records import Chunk, Recording
from shared.domain.states import IN_TROUBLE, ONCE_SAFE, ChunkState, RecordingState

_TROUBLES = 5  # told of one recording
UNREADABLE = "unreadable"  # the state of chunks whose rows this version can't read
UNKNOWN = "unknown"  # what only ACS can tell, and lists don't ask it


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a recording stands in the catalogue at one moment."""

    recording: Recording
    chunks: tuple[Chunk, ...]

    @property
    def state(self) -> RecordingState | None:
        return self.recording.state(self.chunks)

    def is_open(self, now: datetime) -> bool:
        """Whether not all of it is safe, and something can still be done about it."""
        if not self.chunks:
            return self.state not in (None, RecordingState.FAILED)
        if self.state in (RecordingState.ARCHIVING, RecordingState.OVERDUE):
            return True
        return any(
            chunk.state in (ChunkState.PENDING, ChunkState.COPYING)
            or (chunk.state is ChunkState.FAILED and chunk.deadline > now)
            for chunk in self.chunks
        )

    def shown(self) -> ListedRecording:
        states = Counter(str(chunk.state) for chunk in self.chunks)
        if self.recording.unreadable:
            states[UNREADABLE] = len(self.recording.unreadable)
        return ListedRecording.model_validate(
            asdict(self.recording)
            | {
                "state": self.state or UNKNOWN,
                "listed_at": self.recording.listed_at or self.recording.started_at,
                "unlinked": bool(self.recording.unlinked),
                "size": sum(chunk.size or 0 for chunk in self.chunks if not chunk.lacks_media),
                "chunks": dict(states),
                "deadline": min(
                    (chunk.deadline for chunk in self.chunks if chunk.state not in ONCE_SAFE), default=None
                ),
                "trouble": self._trouble()[:_TROUBLES],
            }
        )

    def _trouble(self) -> list[TroubleView]:
        if self.state is RecordingState.OVERDUE:
            missed = dict.fromkeys(TroubleView.model_fields) | {
                "state": "overdue",
                "since": self.recording.overdue_at,
                "fault": "source",
                "reason": "files-overdue",
                "detail": "the recording ended, and not all of its files were announced",
            }
            return [TroubleView.model_validate(missed)]
        return [
            TroubleView.model_validate(asdict(chunk) | {"since": chunk.removed_at or chunk.lost_at or chunk.failed_at})
            for chunk in self.chunks
            if chunk.state in IN_TROUBLE
        ]
