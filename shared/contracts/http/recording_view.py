"""What HTTP functions answer with: a recording, its chunks, what became of a request. Sizes in bytes, times in UTC."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.domain.records import AuditEntry, Chunk, Recording


class View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True)


class ChunkView(View):
    """One chunk, as far as it has got. Sizes in bytes, times in UTC."""

    document_id: str
    index: int
    sibling: bool = Field(description="Another chunk has the same index: ACS failed over and made more than one file.")
    state: str
    attempts: int
    copied: int | None = Field(description="Bytes of a running copy so far, as of its last sign of life; else null.")
    expected: int | None = Field(description="Bytes that a running copy will have; null where none runs.")
    size: int | None
    sha256: str | None
    blob_name: str | None
    metadata_size: int | None
    metadata_sha256: str | None
    metadata_blob_name: str | None
    end_reason: str | None
    event_time: datetime
    deadline: datetime = Field(description="When ACS destroys the source.")
    pending_at: datetime
    copying_at: datetime | None
    archived_at: datetime | None
    released_at: datetime | None
    failed_at: datetime | None
    lost_at: datetime | None
    expired_at: datetime | None = Field(description="When a read found that the archive's own rule had removed it.")
    removed_at: datetime | None = Field(description="When a read found that somebody had removed a file of it.")
    missing: str | None = Field(
        description="Which of its archived files a read found missing: media, metadata or both. Null: none."
    )
    next_attempt_at: datetime | None
    rescues: int = Field(description="How often the sweep took it up again after it had failed.")
    escalated: int | None = Field(description="The last threshold, in hours before the deadline, it was raised at.")
    fault: str | None = Field(description="Whose fault the last failure was: source, destination or ours.")
    reason: str | None
    detail: str | None

    @classmethod
    def of(cls, chunk: Chunk, *, sibling: bool) -> "ChunkView":
        return cls(
            document_id=chunk.document_id,
            index=chunk.index,
            sibling=sibling,
            state=chunk.state,
            attempts=chunk.attempts,
            copied=chunk.copied,
            expected=chunk.expected,
            size=chunk.size,
            sha256=chunk.sha256,
            blob_name=chunk.blob_name,
            metadata_size=chunk.metadata_size,
            metadata_sha256=chunk.metadata_sha256,
            metadata_blob_name=chunk.metadata_blob_name,
            end_reason=chunk.end_reason,
            event_time=chunk.event_time,
            deadline=chunk.deadline,
            pending_at=chunk.pending_at,
            copying_at=chunk.copying_at,
            archived_at=chunk.archived_at,
            released_at=chunk.released_at,
            failed_at=chunk.failed_at,
            lost_at=chunk.lost_at,
            expired_at=chunk.expired_at,
            removed_at=chunk.removed_at,
            missing=chunk.missing,
            next_attempt_at=chunk.next_attempt_at,
            rescues=chunk.rescues,
            escalated=chunk.escalated,
            fault=chunk.fault,
            reason=chunk.reason,
            detail=chunk.detail,
        )


class AuditView(View):
    """One thing that was done to a recording."""

    at: datetime
    action: str = Field(
        description="start, consent, pause, resume, stop, replay, read content, read metadata, removed, expired, "
        "found again, ended, start-failed, event taken in, relocated, announced differently, read archive, "
        "read timeline; or others."
    )
    by: str = Field(
        description="Who signed in to the app's built-in authentication, or else the key that the operation requires: "
        "function key or master key. AUTO_RECORD: a rule did, upon an event of ACS. ACS: it happened there. "
        "Event Grid: an event said so. Callvault: a read found it."
    )
    details: dict[str, str]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        return cls(at=entry.at, action=entry.action, by=entry.by, details=dict(entry.details))


class ConsentView(View):
    """The ground that the recording stands on, as the caller stated it."""

    basis: str
    reference: str
    obtained_at: datetime

    @classmethod
    def of(cls, recording: Recording) -> "ConsentView | None":
        basis, reference, obtained_at = (
            recording.consent_basis,
            recording.consent_reference,
            recording.consent_obtained_at,
        )
        if basis is None or reference is None or obtained_at is None:
            return None
        return cls(basis=basis, reference=reference, obtained_at=obtained_at)


class RecordingView(View):
    """A recording as the ledger and ACS know it."""

    recording_id: str | None
    recording_key: str = Field(description="Names the recording in paths, too: where there is no recordingId.")
    state: str
    acs_state: str | None = Field(
        description="active, or inactive when paused, as ACS says; unknown to it, as an ended one is; unavailable for "
        "now; null in answers to stop, pause and resume, which don't ask."
    )
    correlation: str | None
    unlinked: bool
    server_call_id: str | None
    call_connection_id: str | None
    group_call_id: str | None
    room_id: str | None
    content: str | None
    channel: str | None
    format: str | None
    requested_at: datetime | None
    paused_at: datetime | None
    resumed_at: datetime | None
    stopped_at: datetime | None
    started_at: datetime | None
    announced_at: datetime | None
    overdue_at: datetime | None = Field(description="Since when its files are missed: it ended, and no event came.")
    consent: ConsentView | None
    failed_at: datetime | None
    failure: str | None = Field(description="Why ACS could not start it, after it had accepted the start.")
    duration_ms: int | None
    session_end_reason: str | None
    archive_container: str
    chunks: list[ChunkView]
    history: list[AuditView] = Field(description="What was done to it through Callvault, oldest first.")


class StartedView(View):
    """The answer to a start."""

    recording_id: str | None = Field(description="Null when ACS accepted the start and has not named it yet.")
    state: str
    correlation: str | None
    start_id: str | None = Field(default=None, description="Names the start while its recording has no id.")


class ReplayedView(View):
    """The answer to a replay."""

    chunks: int = Field(description="How many were put back: those that had failed, were lost, or were waiting.")


class TakenInView(View):
    """The answer to events taken in by hand."""

    outcomes: list[str] = Field(
        description="For each event in turn: queued; unchanged, when its chunks are known and none was queued; taken, "
        "for an event of a call; ignored; or quarantined."
    )


class HandedInView(TakenInView):
    """The answer to events that a person handed in."""

    differing: list[list[str]] = Field(
        description="For each event in turn, the fields that it gives otherwise than they are recorded; the recorded "
        "values stay."
    )
