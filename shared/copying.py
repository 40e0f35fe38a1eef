"""Gets a claimed chunk's two files into the archive, under names that the chunk alone decides.

What stands in the archive after this is whole and is the source's: every file was verified before it could appear, and
what an attempt before this one brought there is found and not copied again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.metadata import check_metadata
from shared.errors import SourceError
from shared.gateways.bundle import Gateways
from shared.identity import blob_stem
from shared.records import Chunk
from shared.settings import Settings
from shared.transfer import Copied, copy, copy_small, opened

CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "mp4": "video/mp4"}
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

    async def secure(self, chunk: Chunk) -> tuple[Secured, Secured]:
        """Metadata first, so that it stands beside the media from the moment that these appear.

        But whatever is wrong with the metadata, the media are copied before it is said: they can't be had again.
        """
        metadata: Secured | SourceError
        try:
            metadata = await self._secure_metadata(chunk)
        except SourceError as error:
            metadata = error
        media = await self._secure_media(chunk)
        if isinstance(metadata, SourceError):
            raise metadata
        return metadata, media

    async def _secure_metadata(self, chunk: Chunk) -> Secured:
        name = f"{_stem(chunk)}.metadata.json"
        found = await self._found(chunk, [name])
        if found is not None:
            return found
        body = await self._source.read_whole(chunk.metadata_location, limit=_METADATA_LIMIT)
        check_metadata(body, document_id=chunk.document_id)
        file = self._archive.file(name, content_type="application/json", properties=_properties(chunk))
        return _secured(name, await copy_small(body, file))

    async def _secure_media(self, chunk: Chunk) -> Secured:
        formats = [chunk.format] if chunk.format in CONTENT_TYPES else list(CONTENT_TYPES)
        names = {media_format: f"{_stem(chunk)}.{media_format}" for media_format in formats}
        found = await self._found(chunk, names.values())
        if found is not None:
            return found
        location, block_size = chunk.content_location, self._settings.block_size
        async with opened(self._source, location, block_size=block_size) as media:
            media.must_be(formats)
            name = names[media.format]
            file = self._archive.file(name, content_type=CONTENT_TYPES[media.format], properties=_properties(chunk))
            return _secured(name, await copy(media, file, in_flight=self._settings.ranges_in_flight))

    async def _found(self, chunk: Chunk, names: Iterable[str]) -> Secured | None:
        """What an attempt before this one committed: it was verified before it could appear."""
        if chunk.attempts > 1:
            for name in names:
                stored = await self._archive.find(name)
                if stored is not None and stored.sha256 is not None and stored.document_id == chunk.document_id:
                    return Secured(name=name, size=stored.size, sha256=stored.sha256)
        return None


def _stem(chunk: Chunk) -> str:
    return blob_stem(
        started_at=chunk.started_at,
        recording_key=chunk.recording_key,
        index=chunk.index,
        document_id=chunk.document_id,
    )


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
