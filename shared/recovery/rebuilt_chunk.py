"""Reads a chunk's record from its archived files, so that a rebuild can write it into the catalogue.

Anybody with write access to the archive can set any blob metadata. So the recording and document in a blob's metadata
must match the blob's name, and the keys must match the ids. The two files of a chunk share a name, so they match, too.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.contracts import lenient_json
from shared.contracts.http.label_fields import read_labels
from shared.domain.keys import blob_stem, key_of
from shared.domain.labels import text_of
from shared.domain.records import Chunk
from shared.domain.states import ChunkState
from shared.gateways.blobs.archive import ArchivedFile

_METADATA_SUFFIX = ".metadata.json"
_UNVERIFIED_SUFFIX = ".unverified"  # before the extension of a file that was stored without proof
NEEDED = ("documentid", "recordingkey", "chunkindex", "startedat", "eventtime")
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,7}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class UnreadableFile(ValueError):
    """A file's metadata can't be parsed or contradicts its name. The message names the field and quotes no value."""


@dataclass(frozen=True, kw_only=True)
class ChunkFiles:
    """The two files of one chunk."""

    media: ArchivedFile
    metadata: ArchivedFile

    @classmethod
    def of(cls, one: ArchivedFile, other: ArchivedFile) -> Self:
        """Raises UnreadableFile for two files of the same kind."""
        if _is_metadata(one) == _is_metadata(other):
            raise UnreadableFile("the chunk has another file of the same kind")
        return cls(media=other, metadata=one) if _is_metadata(one) else cls(media=one, metadata=other)


def stem_of(file: ArchivedFile) -> str:
    """The part of the name that a chunk's two files have in common."""
    if _is_metadata(file):
        return file.name.removesuffix(_METADATA_SUFFIX)
    return file.name.rpartition(".")[0].removesuffix(_UNVERIFIED_SUFFIX)


def check(file: ArchivedFile) -> None:
    """Raises UnreadableFile unless the file's metadata can be parsed and matches its name and keys."""
    kept = file.properties
    missing = [name for name in NEEDED if name not in kept]
    if missing:
        raise UnreadableFile(f"metadata is missing: {', '.join(missing)}")
    if not _KEY.fullmatch(kept["recordingkey"]):
        raise UnreadableFile("recordingkey is not a key")
    if "recordingid" in kept and key_of(kept["recordingid"]) != kept["recordingkey"]:
        raise UnreadableFile("recordingid and recordingkey name different recordings")
    if not _INDEX.fullmatch(kept["chunkindex"]):
        raise UnreadableFile("chunkindex is not an index")
    if not _SHA256.fullmatch(kept.get("sha256", "0" * 64)):
        raise UnreadableFile("sha256 is not a digest")
    if kept.get("size", str(file.size)) != str(file.size):
        raise UnreadableFile("the file's size differs from the size in its metadata")
    _moment(file, "eventtime")
    named = blob_stem(
        started_at=_moment(file, "startedat"),
        recording_key=kept["recordingkey"],
        index=int(kept["chunkindex"]),
        document_id=kept["documentid"],
    )
    if stem_of(file) != named:
        raise UnreadableFile("the name doesn't match the recording, document, index and start in the metadata")


def chunk_of(files: ChunkFiles, retention: timedelta) -> Chunk:
    """The chunk of two files that passed `check`."""
    media, metadata, kept = files.media, files.metadata, files.media.properties
    event_time = _moment(media, "eventtime")
    return Chunk(
        recording_key=kept["recordingkey"],
        chunk_key=key_of(kept["documentid"]),
        recording_id=kept.get("recordingid"),
        document_id=kept["documentid"],
        index=int(kept["chunkindex"]),
        end_reason=kept.get("endreason"),
        labels=text_of(read_labels(kept.get("labels"))),
        content_location="",
        metadata_location="",
        delete_location="",
        format=media.name.rpartition(".")[2],
        started_at=_moment(media, "startedat"),
        event_id="",
        event_time=event_time,
        deadline=event_time + retention,
        state=ChunkState.ARCHIVED,
        pending_at=event_time,
        archived_at=media.archived_at,
        blob_name=media.name,
        size=media.size,
        sha256=kept.get("sha256"),
        metadata_blob_name=metadata.name,
        metadata_size=metadata.size,
        metadata_sha256=metadata.properties.get("sha256"),
        unverified="stored without proof" if media.name.rpartition(".")[0].endswith(_UNVERIFIED_SUFFIX) else None,
    )


def _is_metadata(file: ArchivedFile) -> bool:
    return file.name.endswith(_METADATA_SUFFIX)


def _moment(file: ArchivedFile, name: str) -> datetime:
    at = lenient_json.moment(file.properties[name])
    if at is None:
        raise UnreadableFile(f"{name} is not a time")
    return at
