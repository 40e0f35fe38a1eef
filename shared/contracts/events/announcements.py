"""The announcements of Callvault: CloudEvents 1.0, whose data depends on the type.

docs/announcements.md has an example of each type. Announcements contain no participants and no signed URLs: reading a
`url` requires a role on the storage account. Sizes in bytes, times in UTC.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class AnnouncementType(StrEnum):
    CHUNK_ARCHIVED = "Callvault.ChunkArchived"
    CHUNK_FAILED = "Callvault.ChunkFailed"
    CHUNK_LOST = "Callvault.ChunkLost"
    RECORDING_COMPLETE = "Callvault.RecordingComplete"


class _Data(BaseModel):
    # Built at first use: a worker that only archives needs none of these models, and starts sooner.
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, defer_build=True
    )


class ArchivedFile(_Data):
    """A file that is safe, that is, verified in the archive, with its size and digest."""

    url: str
    size: int
    sha256: str = Field(description="Hexadecimal.")


class RecordingData(_Data):
    """The recording of the files."""

    recording_id: str | None = Field(default=None, description="Absent if the files can't be linked to a recording.")
    recording_key: str = Field(description="Digest of the recordingId, used in subjects and blob names.")
    correlation: str | None = Field(default=None, description="From the start request.")


class ChunkData(RecordingData):
    """One safe, failed or lost chunk."""

    document_id: str
    index: int
    media: ArchivedFile | None = Field(default=None, description="A failed chunk has it if only its metadata failed.")
    metadata: ArchivedFile | None = None
    format: str | None = None
    started_at: datetime
    event_time: datetime = Field(description="When ACS reported the files.")
    deadline: datetime = Field(description="When ACS deletes the source, unless Callvault deletes it first.")
    attempts: int
    fault: str | None = Field(default=None, description="Whose fault the failure was: source, destination or ours.")
    reason: str | None = None
    detail: str | None = None


class CompleteData(RecordingData):
    """A recording whose files are all safe."""

    content: str | None = None
    channel: str | None = None
    format: str | None = None
    started_at: datetime | None = None
    duration_ms: int | None = None
    session_end_reason: str | None = None
    chunk_count: int
    size: int = Field(description="Total size of all media files.")
    chunks: list["CompleteChunk"] = Field(description="In order; only the first 500 if there are more.")


class CompleteChunk(_Data):
    """One chunk of a complete recording."""

    document_id: str
    index: int
    media: ArchivedFile
    metadata: ArchivedFile


class Announcement(BaseModel):
    """A CloudEvent. Events with the same `id` are the same announcement."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    specversion: Literal["1.0"] = "1.0"
    type: AnnouncementType
    source: str = Field(description="The archive container.")
    id: str
    time: datetime
    subject: str = Field(description="recordings/{recordingKey}, followed by /chunks/{chunkKey} for one chunk.")
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = Field(default=None, description="W3C trace context, if tracing is on.")
    data: ChunkData | CompleteData

    def encode(self) -> str:
        """Encodes the event without null members, because Event Grid rejects CloudEvents with null attributes."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
