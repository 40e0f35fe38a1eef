"""Finds and verifies a chunk's files in the archive.

`ArchivedFiles.of` is the only check of which files of a chunk the archive holds. Because of it, no file is copied
twice, and no completely archived chunk becomes failed or lost.
"""

from dataclasses import replace

from shared.archiving.copy.engine import Transfer
from shared.archiving.copy.verification import is_there
from shared.archiving.stored_files import (
    METADATA,
    Files,
    StoredFile,
    is_unverified,
    location_of,
    media_endings,
    name_of,
    properties_of,
    stem_of,
)
from shared.domain.clock import Clock
from shared.domain.files.media_types import content_type_of
from shared.domain.files.source_locations import origin_of
from shared.domain.records import Chunk
from shared.errors import DestinationConflict
from shared.gateways.blobs.archive import Archive, ArchiveFile, Stored

_EARLIER = "an earlier attempt could not verify it as media"


class ArchivedFiles:
    """The files of chunks in the archive."""

    def __init__(self, archive: Archive, transfer: Transfer, clock: Clock) -> None:
        self._archive, self._transfer, self._clock = archive, transfer, clock

    async def of(self, chunk: Chunk) -> Files:
        """The verified files of a chunk in the archive. Needs one listing, and reads each file that has no digest.

        Raises DestinationError when the archive can't be read.
        """
        now = self._clock.now()
        stored = await self._archive.files_of(stem_of(chunk))
        files = Files()
        for ending in media_endings(chunk):
            if ending not in stored or files.media is not None:
                continue
            media = await self._verified(chunk, ending, stored[ending])
            if media is None:
                files = _taken(files, chunk, ending)
            else:
                unverified = (chunk.unverified or _EARLIER) if is_unverified(ending) else None
                files = replace(files, media=media, unverified=unverified)
        if METADATA in stored:
            metadata = await self._verified(chunk, METADATA, stored[METADATA])
            files = replace(files, metadata=metadata, metadata_taken=metadata is None)
        return files if files.media is None and files.metadata is None else files.checked(now)

    async def holds(self, chunk: Chunk, wanted: StoredFile) -> bool:
        """Whether the archive holds the file as recorded. Reads the file only if its blob has no digest."""
        file = self.file(chunk, wanted.name)
        return await self._transfer.verify(file, size=wanted.size, sha256=wanted.sha256)

    async def still_holds(self, chunk: Chunk, wanted: StoredFile) -> bool:
        """Like `holds`, for a file that was verified shortly before: never reads it."""
        return await is_there(self.file(chunk, wanted.name), size=wanted.size, sha256=wanted.sha256)

    def file(self, chunk: Chunk, name: str, unverified: str | None = None) -> ArchiveFile:
        """A file of the chunk, to be written or verified."""
        ending = name.removeprefix(f"{stem_of(chunk)}.")
        properties = properties_of(chunk, origin_of(location_of(chunk, ending), chunk), unverified)
        return self._archive.file(name, content_type=content_type_of(ending), properties=properties)

    async def _verified(self, chunk: Chunk, ending: str, found: Stored) -> StoredFile | None:
        """A file that an earlier attempt stored. None if the file is another chunk's, incomplete or changed.

        The digest in the chunk's row takes precedence over the digest on the blob, which anyone may have written.
        """
        name = name_of(chunk, ending)
        recorded = {chunk.blob_name: chunk.sha256, chunk.metadata_blob_name: chunk.metadata_sha256}.get(name)
        if found.document_id != chunk.document_id or not found.is_whole:
            return None
        if found.origin not in (None, origin_of(location_of(chunk, ending), chunk)):
            return None  # copied from a location that a later event corrected; that location had no document id
        sha256 = found.sha256
        if recorded is not None and sha256 is None:
            wanted = StoredFile(name=name, size=found.size, sha256=recorded)
            return wanted if await self.holds(chunk, wanted) else None
        if sha256 is not None:
            return StoredFile(name=name, size=found.size, sha256=sha256) if recorded in (None, sha256) else None
        try:
            return StoredFile.of(name, await self._transfer.read_back(self.file(chunk, name)))
        except DestinationConflict:
            return None


def _taken(files: Files, chunk: Chunk, ending: str) -> Files:
    """Records that a media name is in use by a file that isn't the chunk's, or that changed after it was recorded."""
    if is_unverified(ending):
        return files
    changed = files.media_changed or name_of(chunk, ending) == chunk.blob_name
    return replace(files, taken=files.taken | {ending}, media_changed=changed)
