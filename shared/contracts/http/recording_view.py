"""Answers of HTTP functions: a recording, its chunks, the result of a request. Sizes in bytes, times in UTC."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.domain.records import AuditEntry, Chunk, Recording


class View(BaseModel):
    # Built at first use: a worker that only archives needs none of these models, and starts sooner.
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, defer_build=True
    )


class ChunkView(View):
    """One chunk and its progress. Sizes in bytes, times in UTC."""

    document_id: str
    index: int
    sibling: bool = Field(description="Another chunk has the same index: ACS failed over and made more than one file.")
    state: str
    attempts: int
    copied: int | None = Field(
        description="Bytes copied so far, at the last renewal of the lease; null if no copy is running."
    )
    expected: int | None = Field(description="Total bytes of a running copy; null if no copy is running.")
    size: int | None
    sha256: str | None
    blob_name: str | None
    metadata_size: int | None
    metadata_sha256: str | None
    metadata_blob_name: str | None
    end_reason: str | None
    event_time: datetime
    deadline: datetime = Field(description="When ACS deletes the source.")
    pending_at: datetime
    copying_at: datetime | None
    archived_at: datetime | None
    released_at: datetime | None
    failed_at: datetime | None
    lost_at: datetime | None
    expired_at: datetime | None = Field(
        description="When a read found that the archive's lifecycle rule had deleted the file."
    )
    removed_at: datetime | None = Field(description="When a read found that someone had removed one of its files.")
    acknowledged_at: datetime | None = Field(
        description="When a person acknowledged that the chunk is lost or removed."
    )
    acknowledged_by: str | None = Field(description="Name of that person, as the request stated it.")
    missing: str | None = Field(
        description="Archived files that a read found missing: media, metadata or both; null if none."
    )
    next_attempt_at: datetime | None
    rescues: int = Field(description="How often the sweep retried the chunk after it had failed.")
    escalated: int | None = Field(description="Last threshold at which it was escalated, in hours before the deadline.")
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
            acknowledged_at=chunk.acknowledged_at,
            acknowledged_by=chunk.acknowledged_by,
            missing=chunk.missing,
            next_attempt_at=chunk.next_attempt_at,
            rescues=chunk.rescues,
            escalated=chunk.escalated,
            fault=chunk.fault,
            reason=chunk.reason,
            detail=chunk.detail,
        )


class AuditView(View):
    """One audit entry of a recording."""

    at: datetime
    action: str = Field(
        description="start, consent, pause, resume, stop, replay, acknowledge, read content, read metadata, removed, "
        "expired, found again, ended, start-failed, event submitted, relocated, reported differently, read archive, "
        "read timeline; or others."
    )
    by: str = Field(
        description="The user or application that signed in to the app's built-in authentication, or else the key that "
        "the operation requires: function key or master key. AUTO_RECORD: a rule started it. ACS: a callback "
        "reported it. Event Grid: an event reported it. Callvault: a read detected it."
    )
    details: dict[str, str]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        return cls(at=entry.at, action=entry.action, by=entry.by, details=dict(entry.details))


class ConsentView(View):
    """The legal basis of the recording, as the caller stated it."""

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
    """A recording, from the ledger and from ACS."""

    recording_id: str | None
    recording_key: str = Field(description="Identifies the recording in paths, also if there is no recordingId.")
    state: str
    acs_state: str | None = Field(
        description="State in ACS: active; inactive (paused); unknown, for example because it ended; or unavailable if "
        "ACS didn't respond. Null in answers to stop, pause and resume, which don't query ACS."
    )
    correlation: str | None
    labels: dict[str, str] = Field(description="The labels that the caller sent with the start, by name.")
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
    overdue_at: datetime | None = Field(
        description="When its files became overdue: it ended, but ACS didn't report them in time."
    )
    consent: ConsentView | None
    failed_at: datetime | None
    failure: str | None = Field(description="Why ACS couldn't start the recording after it had accepted the start.")
    duration_ms: int | None
    session_end_reason: str | None
    archive_container: str
    chunks: list[ChunkView]
    history: list[AuditView] = Field(description="Audit entries, oldest first.")


class StartedView(View):
    """The answer to a start."""

    recording_id: str | None = Field(description="Null if ACS accepted the start but hasn't sent the recordingId yet.")
    state: str
    correlation: str | None
    labels: dict[str, str] = Field(default={}, description="The labels that the caller sent with the start, by name.")
    start_id: str | None = Field(default=None, description="Identifies the start while the recording has no ID.")


class ReplayedView(View):
    """The answer to a replay."""

    chunks: int = Field(description="Number of chunks queued again: those that were failed, lost or waiting.")


class ReplayedByReasonView(ReplayedView):
    """The answer to a replay of all chunks with one reason."""

    more: bool = Field(description="Whether open chunks are left that weren't read: repeat with nextCursor as cursor.")
    next_cursor: str | None = Field(
        description="Opaque. To continue with the next open chunks, send it as cursor. Null if all were read."
    )


class AcknowledgedView(View):
    """The answer to an acknowledgement."""

    acknowledged_at: datetime | None = Field(description="When the request was processed.")
    acknowledged_by: str | None = Field(description="The name in the request.")


class EventOutcomes(View):
    """The answer to received events."""

    outcomes: list[str] = Field(
        description="For each event in order: queued; unchanged, if its chunks are known and none was queued; "
        "accepted, for an event of a call; ignored; or quarantined."
    )


class SubmittedEventView(View):
    """What became of one event that a person sent."""

    id: str | None = Field(description="ID of the event. Null if the event has none, or one that can't be used.")
    outcome: str = Field(description="queued, unchanged, accepted, ignored or quarantined.")
    reason: str | None = Field(
        description="Why the event was ignored or quarantined. With queued or unchanged: why a part of it was "
        "quarantined."
    )
    quarantine_name: str | None = Field(
        description="Name of the blob in the quarantine container that keeps the event; null if it isn't kept."
    )
    quarantine_id: str | None = Field(description="Identifies the kept event in the path of a replay.")
    differing: list[str] = Field(
        description="Fields whose values differ from the recorded ones. The recorded values stay."
    )


class SubmittedEventOutcomes(EventOutcomes):
    """The answer to events that a person sent."""

    events: list[SubmittedEventView] = Field(description="Each event in order, with its outcome and reason.")

    differing: list[list[str]] = Field(
        description="For each event in order: the fields whose values differ from the recorded ones. The recorded "
        "values stay."
    )
