"""What the catalogue knows of a recording and of a chunk, and what was done to them, as frozen records.

A record never changes: `evolve` gives a new one. The gateway alone knows how they lie in tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from shared.domain.completeness import has_last, is_gapless
from shared.domain.failure import Failure
from shared.domain.states import IN_TROUBLE, ONCE_SAFE, SAFE, ChunkState, MissingFile, RecordingState, check_move

_LONGEST_LIFE = timedelta(hours=48)  # of a source after its event: what ACS's documentation named at its longest
_ONE_CHANCE = timedelta(hours=1)  # for a chunk that an event, a replay or a rescue brought in late


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One file of a recording with its metadata, and how far we got with it. Times are UTC, sizes bytes."""

    recording_key: str
    chunk_key: str
    recording_id: str | None = None
    document_id: str
    index: int
    end_reason: str | None = None
    content_location: str = field(repr=False)
    metadata_location: str | None = field(default=None, repr=False)  # an event may leave it out
    delete_location: str | None = field(default=None, repr=False)  # likewise: then there is nothing to delete
    content: str | None = None
    channel: str | None = None
    format: str | None = None
    started_at: datetime
    listed_at: datetime | None = None  # its recording's when it was announced
    event_id: str
    event_time: datetime
    deadline: datetime
    state: ChunkState = ChunkState.PENDING
    attempts: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    next_attempt_at: datetime | None = None
    pending_at: datetime
    copying_at: datetime | None = None
    archived_at: datetime | None = None
    released_at: datetime | None = None
    failed_at: datetime | None = None
    lost_at: datetime | None = None
    expired_at: datetime | None = None  # when a read found that the archive's lifecycle rule had removed the file
    removed_at: datetime | None = None  # when a read found that somebody had removed a file
    missing: str | None = None  # which of its archived files a read found missing: a MissingFile
    blob_name: str | None = None
    copied: int | None = None  # bytes of a running copy, as of its lease's last renewal
    expected: int | None = None  # bytes that it will have
    size: int | None = None
    sha256: str | None = None
    metadata_blob_name: str | None = None
    metadata_size: int | None = None
    metadata_sha256: str | None = None
    gone: int = 0  # consecutive answers of the source that it has no such file
    gone_since: datetime | None = None  # the first of them
    unverified: str | None = None  # why the archived file is not proved to be what it claims to be
    rescues: int = 0  # how often the sweep took it up again after it had failed
    escalated: int | None = None  # the last threshold, in hours before the deadline, that it was raised at
    failure: Failure | None = None
    outbox: str | None = None  # what is still to be announced of it, as shared.domain.outbox writes it
    traceparent: str | None = None  # the W3C trace context of the event that announced it
    etag: str | None = field(default=None, compare=False)

    def evolve(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def move(self, state: ChunkState, **changes: Any) -> Self:
        """This chunk in another state.

        Raises ForbiddenMove where the drawing in shared.domain.states has no such arrow.
        """
        check_move(self.state, state)
        ended: dict[str, Any] = {"copied": None, "expected": None}  # whatever copy there was
        return replace(self, state=state, **ended | changes)

    @property
    def fault(self) -> str | None:
        return self.failure.fault if self.failure else None

    @property
    def reason(self) -> str | None:
        return self.failure.reason if self.failure else None

    @property
    def detail(self) -> str | None:
        return self.failure.detail if self.failure else None

    @property
    def given_up_at(self) -> datetime:
        """When attempts end: the source can't exist any longer, and a late event or replay had one hour of attempts."""
        return max(self.event_time + _LONGEST_LIFE, self.pending_at + _ONE_CHANCE)

    @property
    def lacks_media(self) -> bool:
        """Whether a read found its archived media file missing."""
        return self.missing in (MissingFile.MEDIA, MissingFile.BOTH)

    @property
    def lacks_metadata(self) -> bool:
        """Whether a read found its archived metadata file missing."""
        return self.missing in (MissingFile.METADATA, MissingFile.BOTH)

    def is_leased(self, now: datetime) -> bool:
        """Whether a worker is copying it and nobody else may write it."""
        return self.state is ChunkState.COPYING and self.lease_until is not None and self.lease_until > now

    def restarted(self, now: datetime) -> Self:
        """This chunk as if it had never been tried, except for the files that the archive has of it.

        `copying_at` stays: it says that the next attempt must look at the archive first.
        """
        absent: dict[str, Any] = {}
        if self.lacks_media:
            absent |= {"blob_name": None, "size": None, "sha256": None}
        if self.lacks_metadata:
            absent |= {"metadata_blob_name": None, "metadata_size": None, "metadata_sha256": None}
        return self.move(
            ChunkState.PENDING,
            **absent,
            missing=None,
            removed_at=None,
            pending_at=now,
            attempts=0,
            owner=None,
            lease_until=None,
            next_attempt_at=None,
            failed_at=None,
            lost_at=None,
            archived_at=None,
            gone=0,
            gone_since=None,
            failure=None,
        )

    def log_context(self) -> dict[str, object]:
        """What a log line says of a chunk: keys and state, nothing personal and nothing secret."""
        return {
            "recording_key": self.recording_key,
            "chunk_key": self.chunk_key,
            "chunk_index": self.index,
            "state": str(self.state),
            "attempt": self.attempts,
        }


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The ledger's view of one recording: what we were asked for, what was announced.

    `control` is what our HTTP side did last, `announced_at` what an event said. They are written by different
    functions in any order, so that neither overwrites the other, and the state is derived from both.
    """

    recording_key: str
    recording_id: str | None = None
    server_call_id: str | None = None
    call_id: str | None = None
    call_connection_id: str | None = None
    group_call_id: str | None = None
    room_id: str | None = None
    correlation: str | None = None
    content: str | None = None
    channel: str | None = None
    format: str | None = None
    control: RecordingState | None = None
    requested_at: datetime | None = None
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    stopped_at: datetime | None = None
    started_at: datetime | None = None
    announced_at: datetime | None = None
    duration_ms: int | None = None
    session_end_reason: str | None = None
    unlinked: bool | None = None
    overdue_at: datetime | None = None
    listed_at: datetime | None = None  # its place in lists, kept by whoever writes it first
    consent_basis: str | None = None
    consent_reference: str | None = None
    consent_obtained_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None  # why ACS could not start it
    unreadable: tuple[str, ...] = field(default=(), compare=False)  # its rows that this version can't read; not stored
    etag: str | None = field(default=None, compare=False)

    def evolve(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def state(self, chunks: tuple[Chunk, ...]) -> RecordingState | None:
        """Where the recording is, all its chunks considered; None when only ACS can tell."""
        if not chunks and not self.unreadable:
            return RecordingState.OVERDUE if self.overdue_at else self.control
        states = {chunk.state for chunk in chunks}
        if states & IN_TROUBLE:
            return RecordingState.INCOMPLETE
        whole = self.is_whole(chunks)
        if self.overdue_at is not None and not whole:
            return RecordingState.OVERDUE
        if not whole or not states <= ONCE_SAFE:
            return RecordingState.ARCHIVING
        return RecordingState.ARCHIVED if states <= SAFE else RecordingState.EXPIRED

    def silent_since(self, chunks: tuple[Chunk, ...]) -> datetime | None:
        """When ACS last gave a sign of it: its end, or the latest event of a file; None while there was none."""
        signs = (self.stopped_at, self.announced_at, *(chunk.event_time for chunk in chunks))
        return max(filter(None, signs), default=None)

    def is_whole(self, chunks: tuple[Chunk, ...]) -> bool:
        """Whether all its files were announced. Files that nothing links to a recording are their event's alone."""
        if not chunks or self.unreadable:
            return False
        if self.recording_id is None:
            return True
        return has_last(chunks, ended=self.has_ended) and is_gapless(chunks)

    @property
    def has_ended(self) -> bool:
        return bool(self.session_end_reason or self.stopped_at)

    def is_complete(self, chunks: tuple[Chunk, ...]) -> bool:
        """Whether every file of the recording is announced and safe, as far as ACS tells of its end."""
        if self.unreadable or not has_last(chunks, ended=self.has_ended) or not is_gapless(chunks):
            return False
        return all(chunk.state in SAFE for chunk in chunks)


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Something done to a recording: when, what, by whom, and what belongs to it, as a few named strings.

    Entries are shown to callers: they hold no secret and no participant's id.
    """

    at: datetime
    action: str
    by: str
    details: Mapping[str, str] = field(default_factory=dict)
    mark: str | None = field(
        default=None, compare=False
    )  # of two entries of one time and mark only one is ever written


@dataclass(frozen=True, kw_only=True)
class Start:
    """A start that ACS was asked for, and what came of it as far as ACS's callbacks told."""

    start_id: str
    asked: Recording | None = None  # without its id, which nobody knows yet
    entry: AuditEntry | None = None
    recording_id: str | None = None
    failure: str | None = None
