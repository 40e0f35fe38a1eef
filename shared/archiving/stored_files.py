"""A chunk's files in the archive: their names, their properties, and the record of which are stored."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self
from urllib.parse import quote

from shared.archiving.copy.verification import Copied
from shared.domain.files.media_types import MEDIA_TYPES
from shared.domain.files.source_locations import metadata_location_of
from shared.domain.keys import blob_stem
from shared.domain.records import Chunk
from shared.gateways.blobs.archive import ORIGIN

METADATA = "metadata.json"  # the ending of a metadata file's name
_UNVERIFIED = "unverified"
_UNKNOWN_FORMAT = "bin"
# Bytes of a blob's metadata, of which the archive needs some for size and digest. Blob Storage refuses more than 8 KiB.
_MOST_METADATA = 7680


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A verified file of the archive: its name, bytes, and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, name: str, copied: Copied) -> Self:
        return cls(name=name, size=copied.size, sha256=copied.sha256)


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files of one chunk that the archive holds.

    `unverified`: why the media file could not be verified as media. `taken`: endings of media names that are in use by
    files that aren't the chunk's, or that changed after they were recorded. `media_changed`: one of these is the
    recorded file. `metadata_taken`: the name of the metadata file is in use in the same way. `checked_at`: when the
    file was verified whose verification is the oldest.
    """

    media: StoredFile | None = None
    metadata: StoredFile | None = None
    unverified: str | None = None
    taken: frozenset[str] = frozenset()
    media_changed: bool = False
    metadata_taken: bool = False
    checked_at: datetime | None = field(default=None, compare=False)
    participants: int | None = field(default=None, compare=False)  # that the metadata names; None if it wasn't read

    def checked(self, at: datetime | None) -> "Files":
        """The files, one of which was verified at this time."""
        return replace(self, checked_at=min(filter(None, (self.checked_at, at)), default=None))

    def are_complete(self, chunk: Chunk) -> bool:
        """Whether every file of the chunk that its event named is stored."""
        return self.media is not None and (self.metadata is not None or metadata_location_of(chunk) is None)

    def without_unverified(self) -> "Files":
        """The files without media that could not be verified. An attempt copies such media again."""
        return self if self.unverified is None else replace(self, media=None, unverified=None)

    def recorded_in(self, chunk: Chunk) -> Chunk:
        """The chunk with these files in its fields. A file that isn't stored clears its fields.

        A changed file keeps its fields: only the recorded digest shows the change.
        """
        media, metadata = self.media, self.metadata
        if media is not None or not self.media_changed:
            chunk = chunk.evolve(
                blob_name=media and media.name,
                size=media and media.size,
                sha256=media and media.sha256,
                unverified=self.unverified,
            )
        if metadata is not None or not self.metadata_taken:
            chunk = chunk.evolve(
                metadata_blob_name=metadata and metadata.name,
                metadata_size=metadata and metadata.size,
                metadata_sha256=metadata and metadata.sha256,
            )
        if self.participants is not None:
            chunk = chunk.evolve(participants=self.participants)
        return chunk


def stem_of(chunk: Chunk) -> str:
    """The common beginning of the names of all files of a chunk."""
    return blob_stem(
        started_at=chunk.started_at,
        recording_key=chunk.recording_key,
        index=chunk.index,
        document_id=chunk.document_id,
    )


def name_of(chunk: Chunk, ending: str) -> str:
    return f"{stem_of(chunk)}.{ending}"


def location_of(chunk: Chunk, ending: str) -> str | None:
    """The location from which a file of the chunk was copied."""
    return chunk.metadata_location if ending == METADATA else chunk.content_location


def media_endings(chunk: Chunk) -> tuple[str, ...]:
    """Endings that the media file may have, best first: the reported format, other formats, unverified files."""
    formats = sorted(MEDIA_TYPES, key=lambda one: one != chunk.format)
    return (*formats, *(f"{_UNVERIFIED}.{one}" for one in (*formats, _UNKNOWN_FORMAT)))


def unverified_ending(chunk: Chunk) -> str:
    """The ending for media whose format is not verified."""
    return f"{_UNVERIFIED}.{chunk.format if chunk.format in MEDIA_TYPES else _UNKNOWN_FORMAT}"


def is_unverified(ending: str) -> bool:
    return ending.startswith(_UNVERIFIED)


def properties_of(chunk: Chunk, origin: str | None = None, unverified: str | None = None) -> dict[str, str]:
    """The metadata of the blob. Participants' ids are left out: only the metadata file has them.

    Labels that don't fit are left out: IDs come from events, and a file must not be refused because of them.

    `origin` is the key of a location that doesn't name the document, see `origin_of` in source_locations.
    """
    known = {
        "recordingid": chunk.recording_id,
        "recordingkey": chunk.recording_key,
        "documentid": chunk.document_id,
        "chunkindex": str(chunk.index),
        "endreason": chunk.end_reason,
        "startedat": chunk.started_at.isoformat(),
        "eventtime": chunk.event_time.isoformat(),
        ORIGIN: origin,
        "unverified": unverified,
    }
    properties = {name: value for name, value in known.items() if value is not None}
    used = sum(len(name) + len(quote(value)) for name, value in properties.items())
    if chunk.labels is not None and used + len(quote(chunk.labels)) <= _MOST_METADATA:
        properties["labels"] = chunk.labels
    return properties
