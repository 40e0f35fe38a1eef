"""What Callvault announces to others: CloudEvents 1.0, each of a type with data of its own.

docs/announcements.md shows one of each. They name no participant and hold no signed address: a `url` is where a file
is, and the reader's own rights decide whether it may be read. Sizes in bytes, times in UTC.
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


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True)


class ArchivedFile(_Told):
    """A file that is safe: verified in the archive, of this size and digest."""

    url: str
    size: int
    sha256: str = Field(description="In hexadecimal.")


class RecordingData(_Told):
    """Whose files they are."""

    recording_id: str | None = Field(default=None, description="Absent when nothing links the files to a recording.")
    recording_key: str = Field(description="Digest of the recordingId; it is in subjects and blob names.")
    correlation: str | None = Field(default=None, description="As the start request gave it.")


class ChunkData(RecordingData):
    """One chunk, safe or in trouble."""

    document_id: str
    index: int
    media: ArchivedFile | None = Field(default=None, description="A failed chunk has it when only its metadata fail.")
    metadata: ArchivedFile | None = None
    format: str | None = None
    started_at: datetime
    event_time: datetime = Field(description="When ACS announced the files.")
    deadline: datetime = Field(description="When ACS destroys the source, unless it was deleted before.")
    attempts: int
    fault: str | None = Field(default=None, description="Whose fault it was: source, destination or ours.")
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
    size: int = Field(description="Of all media files.")
    chunks: list["CompleteChunk"] = Field(description="In order; the first 500 where there are more.")


class CompleteChunk(_Told):
    """One chunk of a complete recording."""

    document_id: str
    index: int
    media: ArchivedFile
    metadata: ArchivedFile


class Announcement(BaseModel):
    """A CloudEvent. The same `id` again is the same announcement again."""

    model_config = ConfigDict(frozen=True)

    specversion: Literal["1.0"] = "1.0"
    type: AnnouncementType
    source: str = Field(description="The archive's container.")
    id: str
    time: datetime
    subject: str = Field(description="recordings/{recordingKey}, followed by /chunks/{chunkKey} where it is about one.")
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = Field(default=None, description="W3C trace context, where something traces.")
    data: ChunkData | CompleteData

    def encode(self) -> str:
        """What is absent is left out: Event Grid takes no attribute of CloudEvents that is null."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
