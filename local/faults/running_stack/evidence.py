"""The data after a run: originals, catalogue, worklist, archived files, queues and announcements."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.records import Chunk


@dataclass(frozen=True, kw_only=True)
class Original:
    """A chunk as ACS stored it. Times are by the product's clock."""

    sha256: str
    metadata_sha256: str
    deleted_at: datetime | None
    expires_at: datetime
    participants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the worklist."""

    recording_key: str
    chunk_key: str | None


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """An announcement on the topic: about one chunk, or about a complete recording and its chunks."""

    type: str
    subject: str
    documents: tuple[str, ...]
    announcement_id: str
    at: datetime
    reason: str | None
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    originals: dict[str, Original]  # by documentId
    chunks: list[Chunk]
    rows: list[Row]
    announcements: list[Announcement]  # in the order in which the topic accepted them
    files: dict[str, str]  # name in the archive: SHA-256 of the stored bytes
    labels: dict[str, dict[str, str]]  # file name in the archive: metadata of its blob
    quarantined: list[str]  # names
    queued: int
    poisoned: int
    now: datetime
