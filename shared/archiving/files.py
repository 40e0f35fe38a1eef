"""Copies a claimed chunk's files into the archive: first the media, then the metadata, then the participants' index.

If one file fails, the other is still copied before the attempt fails, and the result names the stored files. Every file
is verified before it appears in the archive. `files_in_archive` is the only check of which files of a chunk the archive
holds. Because of it, no file is copied twice, and no completely archived chunk becomes failed or lost.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial

from shared.archiving.copy.engine import Transfer
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.source_file import Accepted, open_media
from shared.archiving.copy.verification import Copied
from shared.archiving.lease import Lease
from shared.archiving.participants import ParticipantIndex
from shared.archiving.retry import Attempt
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
    unverified_ending,
)
from shared.contracts.chunk_metadata import MOST_BYTES, check_metadata
from shared.domain.files.media_types import content_type_of
from shared.domain.files.payload import Payload
from shared.domain.files.source_locations import metadata_location_of, names_another, origin_of
from shared.domain.records import Chunk
from shared.errors import (
    CallvaultError,
    DestinationConflict,
    MetadataMissing,
    SourceGone,
    SourceSlow,
    SourceUnproven,
    Unforeseen,
)
from shared.gateways.blobs.archive import ArchiveFile, Stored
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("copying")

_METADATA_SECONDS = 120.0
_ELSEWHERE = "its content location names another document"
_EARLIER = "an earlier attempt could not verify it as media"


class _Copy(Enum):
    """How media are copied."""

    NEW = auto()
    RESUMED = auto()  # continues from the blocks that an earlier attempt staged
    UNPROVEN = auto()  # new, and accepts a file that isn't valid media


@dataclass(frozen=True, kw_only=True)
class AttemptResult:
    """The result of an attempt: the files that the archive holds, None if that is unknown, and what went wrong."""

    files: Files | None
    error: CallvaultError | None = None


class FileCopier:
    """Copies media and metadata of chunks. One instance per process: all copies share its memory budget."""

    def __init__(self, gateways: Gateways, settings: Settings) -> None:
        self._source, self._archive, self._settings = gateways.source, gateways.archive, settings
        self._participant_index = ParticipantIndex(gateways, settings)
        budget = MemoryBudget(settings.blocks_in_memory)
        self._open = partial(open_media, gateways.source, block_size=settings.block_size, budget=budget)
        self._transfer = Transfer(in_flight=settings.ranges_in_flight, checksum=settings.block_checksum, budget=budget)

    async def attempt(self, lease: Lease, *, which: Attempt) -> AttemptResult:
        """Makes one attempt. Raises DestinationError when the archive's files can't be listed."""
        chunk = lease.chunk
        files = Files() if which.is_first else await self.files_in_archive(chunk)
        # An unverified file is copied again, because its location may have been corrected since. If the location still
        # names another document, the file stays: another copy would be unverified, too.
        stays_unverified = names_another(chunk.content_location, chunk)
        if not stays_unverified:
            files = files.without_unverified()
        media = await _result(chunk, self._media(lease, files, which))
        if isinstance(media, Files):
            files = media
        failed = media if isinstance(media, CallvaultError) else None
        body: bytes | None = None
        location = metadata_location_of(chunk)
        if files.metadata is None and location is not None:
            fetched = await _result(chunk, self._metadata(chunk, location, files))
            if isinstance(fetched, CallvaultError):
                failed = failed or fetched
            else:
                stored, body = fetched
                files = replace(files, metadata=stored)
        if failed is not None and which.is_first:
            # The archive may hold this document's files although its row is new, for example if the row was lost.
            found = await _result(chunk, self.files_in_archive(chunk))
            if isinstance(found, Files):
                keeps_media = stays_unverified or files.media is not None
                files = found if keeps_media else found.without_unverified()
            failed = None if files.are_complete(chunk) else failed
        if files.metadata is not None and (body is not None or failed is None):
            unlisted = await self._participant_index.add_or_report(chunk, files.metadata.name, body)
            failed = failed or unlisted
        return AttemptResult(files=files, error=failed)

    async def files_in_archive(self, chunk: Chunk) -> Files:
        """The verified files of a chunk in the archive. Needs one listing, and reads each file that has no digest.

        Raises DestinationError when the archive can't be read.
        """
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
        return files

    async def holds(self, chunk: Chunk, wanted: StoredFile) -> bool:
        """Whether the archive holds the file as recorded. Reads the file only if its blob has no digest."""
        file = self._file(chunk, wanted.name)
        return await self._transfer.verify(file, size=wanted.size, sha256=wanted.sha256)

    async def _media(self, lease: Lease, files: Files, which: Attempt) -> Files:
        if files.media is not None:
            return files
        if files.media_changed:
            raise DestinationConflict.of(lease.chunk.blob_name or "")
        minutes = self._settings.attempt_minutes
        doubt = _ELSEWHERE if names_another(lease.chunk.content_location, lease.chunk) else None
        try:
            async with asyncio.timeout(minutes * 60):
                try:
                    return await self._copy(lease, files, _Copy.NEW if which.is_first else _Copy.RESUMED, doubt)
                except SourceUnproven as error:
                    if not which.is_last:
                        raise
                    doubt = str(error)
                return await self._copy(lease, files, _Copy.UNPROVEN, doubt)
        except TimeoutError:
            raise SourceSlow(
                f"the copy did not finish within {minutes:g} minutes; the next attempt continues it"
            ) from None

    async def _copy(self, lease: Lease, files: Files, how: _Copy, doubt: str | None) -> Files:
        """Copies the media. `doubt`: why they may not be the chunk's; then they are stored under an unverified name."""
        chunk, accepted = lease.chunk, Accepted.ANY_FILE if how is _Copy.UNPROVEN else Accepted.MEDIA
        async with self._open(chunk.content_location, accepted=accepted) as media:
            if doubt is None and chunk.format not in (None, media.format):
                context = {"action": "archive", "announced": chunk.format, "found": media.format}
                log.warning("file format differs from the reported format", extra={**context, **chunk.log_context()})
            ending = media.format if doubt is None and media.format else unverified_ending(chunk)
            name = name_of(chunk, ending)
            if ending in files.taken:
                raise DestinationConflict.of(name)
            lease.progress = media
            began = time.perf_counter()
            copy = self._transfer.resume if how is _Copy.RESUMED else self._transfer.copy
            copied = await copy(media, self._file(chunk, name, doubt))
            if how is not _Copy.RESUMED:  # a resumed copy includes blocks of earlier attempts
                metrics.copy_speed.record(copied.size / (time.perf_counter() - began))
            return replace(files, media=_stored(name, copied), unverified=doubt)

    async def _metadata(self, chunk: Chunk, location: str, files: Files) -> tuple[StoredFile, bytes]:
        if files.metadata_taken:
            raise DestinationConflict.of(name_of(chunk, METADATA))
        try:
            async with asyncio.timeout(_METADATA_SECONDS):
                body = await self._source.read_whole(location, limit=MOST_BYTES)
        except TimeoutError:
            raise SourceSlow("the source did not deliver the metadata within two minutes") from None
        except SourceGone as error:
            if files.media is None:
                raise
            raise MetadataMissing(str(error)) from None
        check_metadata(body, document_id=chunk.document_id)
        name = name_of(chunk, METADATA)
        return _stored(name, await self._transfer.put(Payload.of(body), self._file(chunk, name))), body

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
            return _stored(name, await self._transfer.read_back(self._file(chunk, name)))
        except DestinationConflict:
            return None

    def _file(self, chunk: Chunk, name: str, unverified: str | None = None) -> ArchiveFile:
        ending = name.removeprefix(f"{stem_of(chunk)}.")
        properties = properties_of(chunk, origin_of(location_of(chunk, ending), chunk), unverified)
        return self._archive.file(name, content_type=content_type_of(ending), properties=properties)


async def _result[T](chunk: Chunk, work: Awaitable[T]) -> T | CallvaultError:
    """The result of the work, or its error as a value, so that an error in one file doesn't stop the other."""
    try:
        return await work
    except CallvaultError as error:
        return error
    except Exception:
        log.exception("attempt failed unexpectedly", extra={"action": "archive", **chunk.log_context()})
        return Unforeseen("the attempt failed unexpectedly; see the log")


def _taken(files: Files, chunk: Chunk, ending: str) -> Files:
    """Records that a media name is in use by a file that isn't the chunk's, or that changed after it was recorded."""
    if is_unverified(ending):
        return files
    changed = files.media_changed or name_of(chunk, ending) == chunk.blob_name
    return replace(files, taken=files.taken | {ending}, media_changed=changed)


def _stored(name: str, copied: Copied) -> StoredFile:
    return StoredFile(name=name, size=copied.size, sha256=copied.sha256)
