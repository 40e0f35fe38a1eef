"""The answers to a caller that waits for a recording's files: what is still missing, then the archive record.

Sizes in bytes, times in UTC. Pauses and participants come from the archived metadata files. Participant IDs are
personal data, so these answers are never logged or stored.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.chunk_metadata import ChunkFacts
from shared.contracts.http.recording_view import ConsentView, View
from shared.domain.records import Chunk


class Awaited(StrEnum):
    """What a recording's archive record is waiting for."""

    RECORDING = "recording"  # the recording is still running
    FILES = "files"  # the recording ended, but ACS hasn't reported all files
    CHUNKS = "chunks"  # all files are reported, but not all are safe


class ArchiveAwaitedView(View):
    """Not all files are safe yet: poll `Location` again after `Retry-After` seconds."""

    recording_id: str | None = Field(description="Null for files that can't be linked to a recording.")
    waiting_for: Awaited = Field(
        description="recording: it is still running; files: ACS hasn't reported all files; chunks: some aren't safe."
    )
    chunks: int = Field(description="Number of files that ACS has reported so far.")
    safe: int = Field(description="Number of files verified in the archive.")


class PauseView(View):
    """A period in which nothing was recorded."""

    started_at: datetime
    duration_ms: int | None = Field(
        description="Null if the metadata has no duration, for example because the pause hadn't ended."
    )

    @classmethod
    def all_of(cls, facts: ChunkFacts) -> "list[PauseView] | None":
        if facts.pauses is None:
            return None
        return [cls(started_at=one.started_at, duration_ms=one.duration_ms) for one in facts.pauses]


class ParticipantView(View):
    """A recorded participant, and the channel if channels are unmixed."""

    participant_id: str
    channel: int | None

    @classmethod
    def all_of(cls, facts: ChunkFacts) -> "list[ParticipantView] | None":
        if facts.participants is None:
            return None
        return [cls(participant_id=one.participant_id, channel=one.channel) for one in facts.participants]


class ArchivedChunkView(View):
    """One archived media file with its metadata file. Sizes in bytes."""

    document_id: str
    index: int
    sibling: bool = Field(description="Another chunk has the same index: ACS failed over and made more than one file.")
    state: str = Field(
        description="archived or released; expired if the archive's lifecycle rule deleted the media file; removed if "
        "someone deleted the metadata file."
    )
    end_reason: str | None
    blob_name: str | None = Field(description="Null if the file expired.")
    blob_url: str | None = Field(
        description="Unsigned URL: reading it requires a role on the storage account. Null if the file expired."
    )
    size: int
    sha256: str
    metadata_blob_name: str | None = Field(description="Null if the file expired, was removed or never existed.")
    metadata_size: int | None
    metadata_sha256: str | None
    archived_at: datetime
    released_at: datetime | None = Field(description="When the source was deleted in ACS; null if it is kept.")
    started_at: datetime | None = Field(description="Start of the recorded media, from the metadata.")
    duration_ms: int | None
    pauses: list[PauseView] | None = Field(description="Null if the metadata file is missing or has no pauses.")
    participants: list[ParticipantView] | None = Field(
        description="Null if the metadata file is missing or unreadable."
    )


class ArchiveRecordView(View):
    """The archive record: all files of the recording were archived and verified, with locations and digests.

    Files that the archive's lifecycle rule has deleted since have neither name nor URL.
    """

    recording_id: str | None = Field(description="Null for files that can't be linked to a recording.")
    state: str = Field(
        description="archived; expired if the archive's lifecycle rule deleted a media file; incomplete if someone "
        "deleted a metadata file."
    )
    correlation: str | None
    labels: dict[str, str] = Field(description="The labels that the caller sent with the start, by name.")
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
    size: int = Field(description="Total size of all media files, including expired ones.")
    chunks: list[ArchivedChunkView]


class TimelineChunkView(View):
    """When a chunk was recorded, and who is in it. Null until the metadata is archived, or if unknown."""

    document_id: str
    index: int
    state: str
    started_at: datetime | None
    duration_ms: int | None = Field(description="Duration of the recorded media, without pauses.")
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
    """The timeline of a recording, as far as known."""

    chunks: list[TimelineChunkView]
