"""Builds announcements from a chunk's outbox and from a complete recording.

The same announcement always has the same id, whichever worker sends it and however often.
"""

from shared.contracts.events.announcements import (
    Announcement,
    AnnouncementType,
    ArchivedFile,
    ChunkData,
    CompleteChunk,
    CompleteData,
)
from shared.domain.keys import key_of
from shared.domain.outbox import PendingAnnouncement, read_outbox
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState
from shared.gateways.blobs.archive_reader import ArchiveReader
from shared.observability import tracing

_TYPES = {
    ChunkState.ARCHIVED: AnnouncementType.CHUNK_ARCHIVED,
    ChunkState.FAILED: AnnouncementType.CHUNK_FAILED,
    ChunkState.LOST: AnnouncementType.CHUNK_LOST,
}
_MOST_CHUNKS = 500  # in one announcement, which then stays well below Event Grid's limit of 1 MB


class Messages:
    """Converts records to announcements."""

    def __init__(self, archive_reader: ArchiveReader) -> None:
        self._archive_reader = archive_reader

    def of_chunk(self, chunk: Chunk, recording: Recording) -> list[Announcement]:
        """The announcements in a chunk's outbox that weren't sent yet, oldest first."""
        return [
            Announcement(
                type=_TYPES[pending.state],
                source=self._archive_reader.home(),
                id=key_of(f"{chunk.chunk_key} {pending.state} {pending.at.isoformat()}"),
                time=pending.at,
                subject=f"recordings/{chunk.recording_key}/chunks/{chunk.chunk_key}",
                traceparent=tracing.current(),
                data=self._chunk(chunk, recording, pending),
            )
            for pending in read_outbox(chunk.outbox)
            if not pending.is_sent
        ]

    def _chunk(self, chunk: Chunk, recording: Recording, pending: PendingAnnouncement) -> ChunkData:
        return ChunkData(
            recording_id=chunk.recording_id or recording.recording_id,
            recording_key=chunk.recording_key,
            correlation=recording.correlation,
            document_id=chunk.document_id,
            index=chunk.index,
            media=self._media(chunk),
            metadata=self._metadata(chunk),
            format=chunk.format,
            started_at=chunk.started_at,
            event_time=chunk.event_time,
            deadline=chunk.deadline,
            attempts=pending.attempts,
            fault=pending.fault,
            reason=pending.reason,
            detail=pending.detail,
        )

    def of_complete_recording(self, recording: Recording, chunks: tuple[Chunk, ...]) -> Announcement:
        """The id is derived from the files, so it is the same whichever worker announces the recording."""
        at = max(chunk.archived_at or chunk.event_time for chunk in chunks)
        files = " ".join(f"{chunk.chunk_key} {chunk.archived_at}" for chunk in chunks)
        return Announcement(
            type=AnnouncementType.RECORDING_COMPLETE,
            source=self._archive_reader.home(),
            id=key_of(f"{recording.recording_key} complete {files}"),
            time=at,
            subject=f"recordings/{recording.recording_key}",
            traceparent=tracing.current(),
            data=CompleteData(
                recording_id=recording.recording_id,
                recording_key=recording.recording_key,
                correlation=recording.correlation,
                content=recording.content,
                channel=recording.channel,
                format=recording.format,
                started_at=recording.started_at,
                duration_ms=recording.duration_ms,
                session_end_reason=recording.session_end_reason,
                chunk_count=len(chunks),
                size=sum(chunk.size or 0 for chunk in chunks),
                chunks=[one for chunk in chunks[:_MOST_CHUNKS] if (one := self._part(chunk))],
            ),
        )

    def _part(self, chunk: Chunk) -> CompleteChunk | None:
        media, metadata = self._media(chunk), self._metadata(chunk)
        if media is None or metadata is None:
            return None
        return CompleteChunk(document_id=chunk.document_id, index=chunk.index, media=media, metadata=metadata)

    def _media(self, chunk: Chunk) -> ArchivedFile | None:
        return self._file(chunk.blob_name, chunk.size, chunk.sha256)

    def _metadata(self, chunk: Chunk) -> ArchivedFile | None:
        return self._file(chunk.metadata_blob_name, chunk.metadata_size, chunk.metadata_sha256)

    def _file(self, name: str | None, size: int | None, sha256: str | None) -> ArchivedFile | None:
        if name is None or size is None or sha256 is None:
            return None
        return ArchivedFile(url=self._archive_reader.url(name), size=size, sha256=sha256)
