"""Copies a claimed chunk's files into the archive: first the media, then the metadata, then the participants' index.

If one file fails, the other is still copied before the attempt fails, and the result names the stored files. Every file
is verified before it appears in the archive.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial

from shared.archiving.archived_files import ArchivedFiles
from shared.archiving.copy.engine import Transfer
from shared.archiving.copy.memory import MemoryBudget
from shared.archiving.copy.source_file import Accepted, open_media
from shared.archiving.lease import Lease
from shared.archiving.participants import ParticipantIndex, number_of
from shared.archiving.retry import Attempt
from shared.archiving.stored_files import (
    METADATA,
    Files,
    StoredFile,
    name_of,
    unverified_ending,
)
from shared.contracts.chunk_metadata import MOST_BYTES, check_metadata
from shared.domain.clock import Clock
from shared.domain.files.other_locations import Locations, at, with_each_content, with_each_metadata
from shared.domain.files.payload import Payload
from shared.domain.files.source_locations import metadata_location_of, names_another
from shared.domain.records import Chunk
from shared.errors import (
    CallvaultError,
    DestinationConflict,
    MetadataMissing,
    SourceError,
    SourceGone,
    SourceSlow,
    SourceUnproven,
    Unforeseen,
)
from shared.gateways.bundle import Gateways
from shared.observability import metrics
from shared.observability.logs import logger
from shared.settings.settings import Settings

log = logger("copying")

_METADATA_SECONDS = 120.0
_NOT_THERE = (SourceGone, MetadataMissing)
_ELSEWHERE = "its content location names another document"


class _Copy(Enum):
    """How media are copied."""

    NEW = auto()
    RESUMED = auto()  # continues from the blocks that an earlier attempt staged
    UNPROVEN = auto()  # new, and accepts a file that isn't valid media


@dataclass(frozen=True, kw_only=True)
class AttemptResult:
    """The result of an attempt: the files that the archive holds, None if that is unknown, and what went wrong.

    `locations`: where the files were read, if the chunk's own locations didn't serve them.
    """

    files: Files | None
    error: CallvaultError | None = None
    locations: Locations | None = None

    def located(self, chunk: Chunk) -> Chunk:
        """The chunk with the locations that served its files."""
        return chunk if self.locations is None else at(chunk, self.locations)


class FileCopier:
    """Copies media and metadata of chunks. One instance per process: all copies share its memory budget."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._source, self._settings = gateways.source, settings
        self._participant_index = ParticipantIndex(gateways, clock, settings)
        budget = MemoryBudget(settings.blocks_in_memory)
        self._open = partial(open_media, gateways.source, block_size=settings.block_size, budget=budget)
        self._transfer = Transfer(
            in_flight=settings.ranges_in_flight, checksum=settings.block_checksum, budget=budget, clock=clock
        )
        self.archived = ArchivedFiles(gateways.archive, self._transfer, clock)

    async def attempt(self, lease: Lease, *, which: Attempt) -> AttemptResult:
        """Makes one attempt. Raises DestinationError when the archive's files can't be listed."""
        chunk = lease.chunk
        files = Files() if which.is_first else await self.archived.of(chunk)
        # An unverified file is copied again, because its location may have been corrected since. If the location still
        # names another document, the file stays: another copy would be unverified, too.
        stays_unverified = names_another(chunk.content_location, chunk)
        if not stays_unverified:
            files = files.without_unverified()
        media = await _result(chunk, self._media(lease, files, which))
        failed = media if isinstance(media, CallvaultError) else None
        if not isinstance(media, CallvaultError):
            chunk, files = media
        body: bytes | None = None
        if files.metadata is None and metadata_location_of(chunk) is not None:
            fetched = await _result(chunk, self._metadata(chunk, files, which))
            if isinstance(fetched, CallvaultError):
                failed = failed or fetched
            else:
                chunk, (files, body) = fetched
                files = replace(files, participants=number_of(body))
        if failed is not None and which.is_first:
            # The archive may hold this document's files although its row is new, for example if the row was lost.
            found = await _result(chunk, self.archived.of(chunk))
            if isinstance(found, Files):
                keeps_media = stays_unverified or files.media is not None
                files = found if keeps_media else found.without_unverified()
            failed = None if files.are_complete(chunk) else failed
        if files.metadata is not None and (body is not None or failed is None):
            unlisted = await self._participant_index.add_or_report(chunk, files.metadata.name, body)
            failed = failed or unlisted
        read, known = Locations.of(chunk), Locations.of(lease.chunk)
        return AttemptResult(files=files, error=failed, locations=None if read == known else read)

    async def found(self, chunk: Chunk) -> Files:
        """The chunk's files in the archive, for a chunk that ends without another attempt. Raises DestinationError.

        If all are there, the chunk is added to its participants' lists: the attempt that copied the files may have
        ended before it could.
        """
        files = await self.archived.of(chunk)
        if files.metadata is not None and files.are_complete(chunk):
            unlisted = await self._participant_index.add_or_report(chunk, files.metadata.name, None)
            if unlisted is not None:
                raise unlisted
        return files

    async def _media(self, lease: Lease, files: Files, which: Attempt) -> tuple[Chunk, Files]:
        """Copies the media from the first of the chunk's locations that serves them."""
        chunk = lease.chunk
        if files.media is not None:
            return chunk, files
        if files.media_changed:
            raise DestinationConflict.of(chunk.blob_name or "")
        minutes, how = self._settings.attempt_minutes, _Copy.NEW if which.is_first else _Copy.RESUMED

        async def copied(one: Chunk) -> Files:
            doubt = _ELSEWHERE if names_another(one.content_location, one) else None
            return await self._copy(lease, one, files, how, doubt)

        try:
            async with asyncio.timeout(minutes * 60):
                chunk, found = await _from_any(with_each_content(chunk), copied, which)
                if isinstance(found, SourceUnproven) and which.is_last:
                    found = await self._copy(lease, chunk, files, _Copy.UNPROVEN, str(found))
        except TimeoutError:
            raise SourceSlow(
                f"the copy did not finish within {minutes:g} minutes; the next attempt continues it"
            ) from None
        return chunk, _served(found)

    async def _copy(self, lease: Lease, chunk: Chunk, files: Files, how: _Copy, doubt: str | None) -> Files:
        """Copies the media. `doubt`: why they may not be the chunk's; then they are stored under an unverified name."""
        accepted = Accepted.ANY_FILE if how is _Copy.UNPROVEN else Accepted.MEDIA
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
            copied = await copy(media, self.archived.file(chunk, name, doubt))
            if how is not _Copy.RESUMED:  # a resumed copy includes blocks of earlier attempts
                metrics.copy_speed.record(copied.size / (time.perf_counter() - began))
            return replace(files, media=StoredFile.of(name, copied), unverified=doubt).checked(copied.checked_at)

    async def _metadata(self, chunk: Chunk, files: Files, which: Attempt) -> tuple[Chunk, tuple[Files, bytes]]:
        """Copies the metadata from the first of the chunk's locations that serves them."""
        if files.metadata_taken:
            raise DestinationConflict.of(name_of(chunk, METADATA))
        chunk, found = await _from_any(with_each_metadata(chunk), lambda one: self._copy_metadata(one, files), which)
        return chunk, _served(found)

    async def _copy_metadata(self, chunk: Chunk, files: Files) -> tuple[Files, bytes]:
        try:
            async with asyncio.timeout(_METADATA_SECONDS):
                body = await self._source.read_whole(chunk.metadata_location or "", limit=MOST_BYTES)
        except TimeoutError:
            raise SourceSlow("the source did not deliver the metadata within two minutes") from None
        except SourceGone as error:
            if files.media is None:
                raise
            raise MetadataMissing(str(error)) from None
        check_metadata(body, document_id=chunk.document_id)
        name = name_of(chunk, METADATA)
        stored = await self._transfer.put(Payload.of(body), self.archived.file(chunk, name))
        return replace(files, metadata=StoredFile.of(name, stored)).checked(stored.checked_at), body


async def _from_any[T](
    located: Iterable[Chunk], read: Callable[[Chunk], Awaitable[T]], which: Attempt
) -> tuple[Chunk, T | SourceError]:
    """The first result, and the chunk with the location that gave it. If none does, the error that promises the most.

    A location that only fails for now is tried again by the next attempt, and the others aren't tried before the last
    attempt.
    """
    failures: list[tuple[Chunk, SourceError]] = []
    for chunk in located:
        try:
            return chunk, await read(chunk)
        except SourceError as error:
            failures.append((chunk, error))
            if not which.is_last and error.retry and not isinstance(error, (*_NOT_THERE, SourceUnproven)):
                break
    return min(failures, key=lambda failure: _hopelessness(failure[1]))


def _hopelessness(error: SourceError) -> int:
    """Sorts errors. Only if no location has the file, the source counts as gone."""
    if isinstance(error, _NOT_THERE):
        return 2
    return 0 if error.retry else 1


def _served[T](found: T | SourceError) -> T:
    if isinstance(found, SourceError):
        raise found
    return found


async def _result[T](chunk: Chunk, work: Awaitable[T]) -> T | CallvaultError:
    """The result of the work, or its error as a value, so that an error in one file doesn't stop the other."""
    try:
        return await work
    except CallvaultError as error:
        return error
    except Exception:
        log.exception("attempt failed unexpectedly", extra={"action": "archive", **chunk.log_context()})
        return Unforeseen("the attempt failed unexpectedly; see the log")
