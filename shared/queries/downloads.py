"""Creates download links to a chunk's archived files. An audit entry names the caller before the link is created.

        read chunk and recording ──> find the file ──> audit ──> sign ──> answer
                                                         1        2         3

A crash after 1 leaves an entry for a link that nobody received. So the audit may have too many entries, never too few.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from shared.contracts.http.list_views import ContentLink
from shared.domain.clock import Clock
from shared.domain.files.download_names import stem_of
from shared.domain.files.media_types import content_type_of
from shared.domain.keys import key_of, recording_key_of
from shared.domain.labels import labels_of
from shared.domain.records import AuditEntry, Chunk, Recording
from shared.domain.states import ChunkState
from shared.errors import ArchivedFileExpired, ArchivedFileGone, CallvaultError, NotArchived, NotFound
from shared.gateways.blobs.download_links import Presented
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.queries.missing_files import MissingFiles
from shared.settings.settings import Settings

log = logger("content")


class File(StrEnum):
    CONTENT = "content"
    METADATA = "metadata"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which file of which chunk is wanted. `inline`: a browser plays the file instead of saving it."""

    recording: str
    document_id: str
    file: File
    inline: bool = False


class Downloads:
    """Creates links to archived files."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._audit, self._links = gateways.catalogue, gateways.audit, gateways.download_links
        self._archived, self._missing_files = gateways.archive_reader, MissingFiles(gateways, clock, settings)
        self._clock, self._settings = clock, settings

    async def link(self, wanted: Wanted, *, by: str) -> ContentLink:
        """Creates a link to a file.

        Raises NotFound for an unknown chunk, NotArchived if the file isn't archived yet, ArchivedFileExpired if the
        archive's lifecycle rule deleted it, and ArchivedFileGone if someone removed it or it is in the archive tier.
        """
        recording_key = recording_key_of(wanted.recording)
        chunk = await self._catalogue.chunk(recording_key, key_of(wanted.document_id))
        if chunk is None:
            raise NotFound("the catalogue has no such recording or chunk")
        name = chunk.blob_name if wanted.file is File.CONTENT else chunk.metadata_blob_name
        if name is None:
            raise NotArchived(f"the file is not in the archive: {_why(chunk)}")
        found = await self._archived.find(name)
        if (found is None) != (chunk.lacks_media if wanted.file is File.CONTENT else chunk.lacks_metadata):
            chunk = await self._missing_files.check(chunk)
        if found is None:
            raise _missing(chunk)
        if found.is_cold:
            raise ArchivedFileGone("the file is in the archive tier: rehydrate it to read it")
        ending = PurePosixPath(name).suffix.removeprefix(".")
        presented = Presented(
            file_name=_file_name(await self._catalogue.ledger(recording_key), chunk, wanted.file, ending),
            content_type=content_type_of(ending),
            inline=wanted.inline,
        )
        now = self._clock.now()
        until = now + self._settings.link_life
        details = {"documentId": chunk.document_id, "blobName": name, "until": until.isoformat(timespec="seconds")}
        await self._audit.add(recording_key, AuditEntry(at=now, action=f"read {wanted.file}", by=by, details=details))
        url = await self._links.sign(name, presented, now=now, until=until)
        log.info("download link issued", extra={"action": "link", "file": str(wanted.file), **chunk.log_context()})
        return ContentLink(
            url=url,
            expires_at=until,
            file_name=presented.file_name,
            content_type=presented.content_type,
            size=found.size,
        )


def _missing(chunk: Chunk) -> CallvaultError:
    if chunk.state is ChunkState.PENDING:
        return NotArchived(
            "someone removed the file from the archive. Callvault is copying it again; try again in a minute"
        )
    if chunk.missing is not None and chunk.state is not ChunkState.REMOVED:
        return ArchivedFileExpired("the archive's lifecycle rule deleted the file when its retention ended")
    return ArchivedFileGone("someone removed the file from the archive: restore it from soft delete or a version")


def _why(chunk: Chunk) -> str:
    if chunk.state is ChunkState.LOST:
        return "it is lost"
    if chunk.state is ChunkState.FAILED:
        return f"its chunk failed ({chunk.reason}); fix what its detail describes, then replay it"
    return f"its chunk is {chunk.state}; try again in a minute"


def _file_name(recording: Recording | None, chunk: Chunk, file: File, ending: str) -> str:
    labels = labels_of(recording.labels if recording else chunk.labels)
    first = next((f"{name}-{value}" for name, value in labels.items()), None)
    stem = stem_of(
        began=chunk.started_at,
        text=first or (recording.correlation if recording else None),
        index=chunk.index,
        channel=chunk.channel,
        chunk_key=chunk.chunk_key,
    )
    return f"{stem}.{ending}" if file is File.CONTENT else f"{stem}.metadata.json"
