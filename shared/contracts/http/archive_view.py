"""What a caller that waits for a recording's files is told: what is awaited still, and then the archive record.

Sizes in bytes, times in UTC. Pauses and participants are those of the archived metadata files; participant ids are
personal data, so nothing here is logged or kept anywhere else.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.chunk_metadata import ChunkFacts
from shared.contracts.http.recording_view import ConsentView, View
from shared.domain.records import Chunk


class Awaited(StrEnum):
    """What stands between a recording and its archive record."""

    RECORDING = "recording"  # it runs still
    FILES = "files"  # it ended, and not all of its files have been announced
    CHUNKS = "chunks"  # all files are announced, and not all of them are safe


class ArchiveAwaitedView(View):
    """Not all is safe yet: ask again after the seconds of Retry-After, at Location."""

    recording_id: str | None = Field(description="Null for files that nothing links to a recording.")
    waiting_for: Awaited = Field(description="recording: it runs still; files: not all are announced; chunks: a copy.")
    chunks: int = Field(description="How many were announced so far.")
    safe: int = Field(description="How many of them are in the archive, verified.")


class PauseView(View):
    """A time in which nothing was recorded."""

    started_at: datetime
    duration_ms: int | None = Field(description="Null when its metadata don't say, as of a pause that hadn't ended.")

    @classmethod
    def all_of(cls, facts: ChunkFacts) -> "list[PauseView] | None":
        if facts.pauses is None:
            return None
        return [cls(started_at=one.started_at, duration_ms=one.duration_ms) for one in facts.pauses]


class ParticipantView(View):
    """Who was recorded, and on which channel when channels are unmixed."""

    participant_id: str
    channel: int | None

    @classmethod
    def all_of(cls, facts: ChunkFacts) -> "list[ParticipantView] | None":
        if facts.participants is None:
            return None
        return [cls(participant_id=one.participant_id, channel=one.channel) for one in facts.participants]


class ArchivedChunkView(View):
    """One archived file with its metadata file. Sizes in bytes."""

    document_id: str
    index: int
    sibling: bool = Field(description="Another chunk has the same index: ACS failed over and made more than one file.")
    state: str = Field(
        description="archived or released; expired when the archive's own rule removed its media file; removed when "
        "somebody removed its metadata file."
    )
    end_reason: str | None
    blob_name: str | None = Field(description="Null when the file expired.")
    blob_url: str | None = Field(
        description="Without a signature: reading it takes a role on the storage account. Null when the file expired."
    )
    size: int
    sha256: str
    metadata_blob_name: str | None = Field(description="Null when the file expired, was removed or never was there.")
    metadata_size: int | None
    metadata_sha256: str | None
    archived_at: datetime
    released_at: datetime | None = Field(description="When the source was deleted in ACS; null while it is kept.")
    started_at: datetime | None = Field(description="When its first second was recorded, by its metadata.")
    duration_ms: int | None
    pauses: list[PauseView] | None = Field(description="Null when the metadata file is gone or doesn't say.")
    participants: list[ParticipantView] | None = Field(description="Null when the metadata file is gone or unreadable.")


class ArchiveRecordView(View):
    """Every announced file of the recording was archived and verified: what, where, and the digests that prove it.

    Files that the archive's own rule removed since have neither name nor URL.
    """

    recording_id: str | None = Field(description="Null for files that nothing links to a recording.")
    state: str = Field(
        description="archived; expired when the archive's own rule removed a media file; incomplete when somebody "
        "removed a metadata file."
    )
    correlation: str | None
    server_call_id: str | None
    content: str | None
    channel: str | None
    format: str | None
    started_at: datetime | None
    stopped_at: datetime | None
    duration_ms: int | None
    session_end_reason: str | None
    consent: ConsentView | None
    archive_container: str
    size: int = Field(description="Of all media files together, those that expired too.")
    chunks: list[ArchivedChunkView]


class TimelineChunkView(View):
    """When a chunk was recorded, and who is on it: null while its metadata aren't archived, or if they don't say."""

    document_id: str
    index: int
    state: str
    started_at: datetime | None
    duration_ms: int | None = Field(description="Of what was recorded: pauses are left out.")
    pauses: list[PauseView] | None
    participants: list[ParticipantView] | None

    @classmethod
    def of(cls, chunk: Chunk, facts: ChunkFacts) -> "TimelineChunkView":
        return cls(
            document_id=chunk.document_id,
            index=chunk.index,
            state=chunk.state,
            started_at=facts.started_at,
            duration_ms=facts.duration_ms,
            pauses=PauseView.all_of(facts),
            participants=ParticipantView.all_of(facts),
        )


class TimelineView(View):
    """A recording over time, as far as it is known yet."""

    chunks: list[TimelineChunkView]
