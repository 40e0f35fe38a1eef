"""Gets a claimed chunk's two files into the archive, under names that the chunk alone decides.

What stands in the archive after this is whole and is the source's: every file was verified before it could appear, and
what an attempt before this one brought there is found and not copied again. Who took part, as the metadata tell, is
entered into the lists of participants.
"""

import time
from dataclasses import dataclass

from shared import metrics
from shared.attendance import Attendance
from shared.budget import MemoryBudget
from shared.contracts.metadata import check_metadata
from shared.errors import DestinationConflict, DestinationError, MetadataMissing, SourceError, SourceGone
from shared.gateways.archive import ArchiveFile
from shared.gateways.bundle import Gateways
from shared.identity import blob_stem
from shared.leases import Lease
from shared.logs import logger
from shared.media import opened
from shared.payload import Payload
from shared.readback import Copied
from shared.records import Chunk
from shared.settings import Settings
from shared.transfer import Transfer

log = logger("copying")

CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "mp4": "video/mp4"}
METADATA_TYPE = "application/json"
_METADATA = "metadata.json"  # what a metadata file's name ends in
_METADATA_LIMIT = 4 * 1024 * 1024  # bytes; real ones have one or two thousand


@dataclass(frozen=True, kw_only=True)
class Secured:
    """A file that stands in the archive: its name, bytes, and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


class Copying:
    """Copies metadata and media of one chunk."""

    def __init__(self, gateways: Gateways, settings: Settings) -> None:
        self._source, self._archive, self._settings = gateways.source, gateways.archive, settings
        self._attendance = Attendance(gateways, settings)
        self._budget = MemoryBudget(settings.blocks_in_memory)
        self._transfer = Transfer(
            in_flight=settings.ranges_in_flight, checksum=settings.block_checksum, budget=self._budget
        )

    async def secure(self, lease: Lease) -> tuple[Secured, Secured]:
        """Metadata first, so that they stand beside the media from the moment that these appear.

        But whatever is wrong with the metadata, the media are copied before it is said: they can't be had again.
        """
        metadata: Secured | SourceError
        unlisted: DestinationError | None = None
        try:
            metadata, body = await self._secure_metadata(lease.chunk)
            unlisted = await self._attendance.note(lease.chunk, metadata.name, body)
        except SourceError as error:
            metadata = error
        media = await self._secure_media(lease)
        if isinstance(metadata, SourceError):
            await lease.note(blob_name=media.name, size=media.size, sha256=media.sha256)
            raise MetadataMissing(str(metadata)) if isinstance(metadata, SourceGone) else metadata
        if unlisted is not None:
            raise unlisted
        return metadata, media

    async def _secure_metadata(self, chunk: Chunk) -> tuple[Secured, bytes | None]:
        """The file, and its bytes unless an attempt before this one brought it."""
        found = await self._found(chunk, _METADATA)
        if found is not None:
            return found, None
        body = await self._source.read_whole(chunk.metadata_location, limit=_METADATA_LIMIT)
        check_metadata(body, document_id=chunk.document_id)
        name, file = self._file(chunk, _METADATA)
        return _secured(name, await self._transfer.put(Payload.of(body), file)), body

    async def _secure_media(self, lease: Lease) -> Secured:
        chunk = lease.chunk
        # What was announced comes first; but what the file is goes before what it was said to be.
        found = await self._found(chunk, *sorted(CONTENT_TYPES, key=lambda one: one != chunk.format))
        if found is not None:
            return found
        location, block_size = chunk.content_location, self._settings.block_size
        async with opened(self._source, location, block_size=block_size, budget=self._budget) as media:
            if chunk.format not in (None, media.format):
                context = {"action": "archive", "announced": chunk.format, "found": media.format}
                log.warning("file is of another format than announced", extra={**context, **chunk.log_context()})
            name, file = self._file(chunk, media.format)
            lease.progress = media
            resume = chunk.attempts > 1
            began = time.perf_counter()
            copied = await self._transfer.copy(media, file, resume=resume)
            if not resume:  # of a copy that was taken up again a part was there before
                metrics.copy_speed.record(copied.size / (time.perf_counter() - began))
            return _secured(name, copied)

    def _file(self, chunk: Chunk, ending: str) -> tuple[str, ArchiveFile]:
        name = _name(chunk, ending)
        content_type = CONTENT_TYPES.get(ending, METADATA_TYPE)
        return name, self._archive.file(name, content_type=content_type, properties=_properties(chunk))

    async def _found(self, chunk: Chunk, *endings: str) -> Secured | None:
        """What an attempt before this one committed, if it is whole.

        A file without its digest was taken up again, by a worker that died before it had read it back. Raises
        DestinationConflict for a file of this chunk that isn't as long as its writer meant it to be.
        """
        for ending in endings if chunk.attempts > 1 else ():
            stored = await self._archive.find(_name(chunk, ending))
            if stored is None or stored.document_id != chunk.document_id:
                continue
            if not stored.is_whole:
                raise DestinationConflict("the archive holds a part of this chunk's file; nothing was overwritten")
            name, file = self._file(chunk, ending)
            if stored.sha256 is None:
                return _secured(name, await self._transfer.read_back(file))
            return Secured(name=name, size=stored.size, sha256=stored.sha256)
        return None


def _name(chunk: Chunk, ending: str) -> str:
    stem = blob_stem(
        started_at=chunk.started_at,
        recording_key=chunk.recording_key,
        index=chunk.index,
        document_id=chunk.document_id,
    )
    return f"{stem}.{ending}"


def _properties(chunk: Chunk) -> dict[str, str]:
    """What is kept on the blob. No participant: those stand in the metadata file alone."""
    known = {
        "recordingid": chunk.recording_id,
        "recordingkey": chunk.recording_key,
        "documentid": chunk.document_id,
        "chunkindex": str(chunk.index),
        "endreason": chunk.end_reason,
        "startedat": chunk.started_at.isoformat(),
        "eventtime": chunk.event_time.isoformat(),
    }
    return {name: value for name, value in known.items() if value is not None}


def _secured(name: str, copied: Copied) -> Secured:
    return Secured(name=name, size=copied.size, sha256=copied.sha256)
