"""What stands after a run: the originals, the catalogue, the worklist, the archive read back, and the queues."""

from dataclasses import dataclass
from datetime import datetime

from shared.records import Chunk


@dataclass(frozen=True, kw_only=True)
class Original:
    """A chunk as ACS had it. Times are those of the product's clock."""

    sha256: str
    metadata_sha256: str
    deleted_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the worklist."""

    recording_key: str
    chunk_key: str | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    originals: dict[str, Original]  # by documentId
    chunks: list[Chunk]
    rows: list[Row]
    files: dict[str, str]  # name in the archive: SHA-256 of the bytes that stand there
    queued: int
    poisoned: int
    now: datetime
