"""The catalogue's records of recordings and chunks, and their audit entries.

Records are immutable: `evolve` returns a changed copy. Only the gateway knows how they are stored in tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from shared.domain.completeness import has_last, is_gapless
from shared.domain.failure import Failure
from shared.domain.outbox import without_archived
from shared.domain.states import (
    ACKNOWLEDGEABLE,
    IN_TROUBLE,
    ONCE_SAFE,
    SAFE,
    ChunkState,
    MissingFile,
    RecordingState,
    check_move,
)

_LONGEST_LIFE = timedelta(hours=48)  # of a source after its event: the longest time that ACS's documentation has stated
_LATE_CHUNK_TIME = timedelta(hours=1)  # for attempts at a chunk that became pending late, by an event, replay or rescue


def _changed[Record](record: Record, changes: dict[str, Any]) -> Record:
    """As dataclasses.replace, in a fifth of its time: each write of a chunk makes several copies of some forty fields.

    Raises TypeError for a name that isn't a field.
    """
    fields = vars(record)
    if unknown := changes.keys() - fields.keys():
        raise TypeError(f"no fields of {type(record).__name__}: {', '.join(sorted(unknown))}")
    changed = object.__new__(type(record))
    vars(changed).update(fields, **changes)
    return changed


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One media file of a recording with its metadata, and its state. Times are UTC, sizes are bytes."""

    recording_key: str
    chunk_key: str
    recording_id: str | None = None
    document_id: str
    index: int
    end_reason: str | None = None
    content_location: str = field(repr=False)
    metadata_location: str | None = field(default=None, repr=False)  # an event may leave it out
    delete_location: str | None = field(default=None, repr=False)  # an event may leave it out: the source is kept then
    locations_at: datetime | None = None  # the newest known eventTime of the events whose locations it has
    other_locations: str | None = field(default=None, repr=False)  # JSON; see shared.domain.files.other_locations
    content: str | None = None
    channel: str | None = None
    format: str | None = None
    started_at: datetime
    listed_at: datetime | None = None  # its recording's, as of the first event
    labels: str | None = field(default=None, repr=False)  # its recording's, likewise; see shared.domain.labels
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
    expired_at: datetime | None = None  # when a read found that the archive's lifecycle rule had deleted the file
    removed_at: datetime | None = None  # when a read found a file missing for any other reason
    acknowledged_at: datetime | None = None  # when a person acknowledged that it is lost or removed
    acknowledged_by: str | None = None  # that person's name
    missing: str | None = None  # which of its archived files a read found missing: a MissingFile
    blob_name: str | None = None
    copied: int | None = None  # bytes of a running copy, as of its lease's last renewal
    expected: int | None = None  # bytes that the complete copy will have
    size: int | None = None
    sha256: str | None = None
    metadata_blob_name: str | None = None
    metadata_size: int | None = None
    metadata_sha256: str | None = None
    participants: int | None = None  # that its metadata name
    gone: int = 0  # consecutive answers of 404 or 410 from the source
    gone_since: datetime | None = None  # when the first of these answers came
    unverified: str | None = None  # why the archived file could not be verified as media
    rescues: int = 0  # how often the sweep restarted it after it had failed
    reported_failure: str | None = None  # the reason of its last reported failure; the sweep's retries keep it
    escalated: int | None = None  # the last threshold, in hours before the deadline, at which it was reported
    failure: Failure | None = None
    outbox: str | None = None  # announcements to deliver, as JSON; see shared.domain.outbox
    traceparent: str | None = None  # the W3C trace context of its event
    etag: str | None = field(default=None, compare=False)

    def evolve(self, **changes: Any) -> Self:
        return _changed(self, changes)

    def move(self, state: ChunkState, **changes: Any) -> Self:
        """The chunk in another state.

        Raises ForbiddenMove if the diagram in shared.domain.states doesn't allow this.
        """
        check_move(self.state, state)
        # A copy that ran is over, and so is its progress.
        return _changed(self, {"state": state, "copied": None, "expected": None, **changes})

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
    def needs_attention(self) -> bool:
        """Whether it is in trouble, and no person acknowledged that since it was lost or removed."""
        if self.state not in ACKNOWLEDGEABLE or self.acknowledged_at is None:
            return self.state in IN_TROUBLE
        since = self.lost_at if self.state is ChunkState.LOST else self.removed_at
        return since is not None and self.acknowledged_at < since

    @property
    def given_up_at(self) -> datetime:
        """When attempts end: the source no longer exists, and a late chunk had one hour of attempts."""
        return max(self.event_time + _LONGEST_LIFE, self.pending_at + _LATE_CHUNK_TIME)

    @property
    def lacks_media(self) -> bool:
        """Whether a read found its archived media file missing."""
        return self.missing in (MissingFile.MEDIA, MissingFile.BOTH)

    @property
    def lacks_metadata(self) -> bool:
        """Whether a read found its archived metadata file missing."""
        return self.missing in (MissingFile.METADATA, MissingFile.BOTH)

    def is_leased(self, now: datetime) -> bool:
        """Whether a worker is copying it, so that no other process may write it."""
        return self.state is ChunkState.COPYING and self.lease_until is not None and self.lease_until > now

    def restarted(self, now: datetime) -> Self:
        """The chunk as if there had been no attempt yet, except for its files in the archive.

        `copying_at` stays, so that the next attempt checks the archive first.
        """
        chunk = self.move(ChunkState.PENDING)
        if self.lacks_media:
            chunk = chunk.evolve(blob_name=None, size=None, sha256=None)
        if self.lacks_metadata:
            chunk = chunk.evolve(metadata_blob_name=None, metadata_size=None, metadata_sha256=None)
        return chunk.evolve(
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
            reported_failure=None,
            failure=None,
            outbox=without_archived(self.outbox),
        )

    def log_context(self) -> dict[str, object]:
        """Fields of the chunk for log lines: keys and state, nothing personal or secret."""
        return {
            "recording_key": self.recording_key,
            "chunk_key": self.chunk_key,
            "chunk_index": self.index,
            "state": str(self.state),
            "attempt": self.attempts,
        }


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording: what callers requested, and what ACS reported about it.

    `control` is the state after the last request or callback, `announced_at` the time of the first event about its
    files. Different functions write them in any order, each without overwriting the other. The state is derived from
    both.
    """

    recording_key: str
    recording_id: str | None = None
    server_call_id: str | None = None
    call_id: str | None = None
    call_connection_id: str | None = None
    group_call_id: str | None = None
    room_id: str | None = None
    correlation: str | None = None
    labels: str | None = field(default=None, repr=False)  # see shared.domain.labels
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
    listed_at: datetime | None = None  # its time in lists; the first writer sets it, and it never changes
    consent_basis: str | None = None
    consent_reference: str | None = None
    consent_obtained_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None  # why ACS couldn't start it
    # Keys of its rows that this version can't read. Not stored.
    unreadable: tuple[str, ...] = field(default=(), compare=False)
    etag: str | None = field(default=None, compare=False)

    def evolve(self, **changes: Any) -> Self:
        return _changed(self, changes)

    def state(self, chunks: tuple[Chunk, ...]) -> RecordingState | None:
        """The state of the recording, derived from all of its chunks. None if only ACS knows it."""
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
        """When ACS last reported on it: its end, or its latest event. None if there was neither."""
        signs = (self.stopped_at, self.announced_at, *(chunk.event_time for chunk in chunks))
        return max(filter(None, signs), default=None)

    def is_whole(self, chunks: tuple[Chunk, ...]) -> bool:
        """Whether events named all of its files. A recording without a known id has no files but those of its event."""
        if not chunks or self.unreadable:
            return False
        if self.recording_id is None:
            return True
        return has_last(chunks, ended=self.has_ended) and is_gapless(chunks)

    @property
    def has_ended(self) -> bool:
        return bool(self.session_end_reason or self.stopped_at)

    def is_complete(self, chunks: tuple[Chunk, ...]) -> bool:
        """Whether events named all of its files and each is safe."""
        if self.unreadable or not has_last(chunks, ended=self.has_ended) or not is_gapless(chunks):
            return False
        return all(chunk.state in SAFE for chunk in chunks)


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One action on a recording: when, what, by whom, and details as named strings.

    Callers can read entries, so they contain no secret and no participant's id.
    """

    at: datetime
    action: str
    by: str
    details: Mapping[str, str] = field(default_factory=dict)
    # Of several entries with the same time and mark, only one is written.
    mark: str | None = field(default=None, compare=False)
