"""Answers callers that wait for a recording to be archived: with what is still awaited, or with the archive record.

ACS may report a recording's files in several events and in any order. So safe chunks aren't enough:
shared.domain.completeness decides whether all files are reported. If the files can't become complete by themselves,
the caller gets an error instead of waiting forever.
"""

from collections import Counter

from shared.contracts.chunk_metadata import ChunkFacts
from shared.contracts.http.archive_view import (
    ArchiveAwaitedView,
    ArchivedChunkView,
    ArchiveRecordView,
    Awaited,
    ParticipantView,
    PauseView,
)
from shared.contracts.http.recording_view import ConsentView
from shared.domain.clock import Clock
from shared.domain.completeness import has_last, is_gapless
from shared.domain.keys import recording_key_of
from shared.domain.labels import labels_of
from shared.domain.records import Chunk, Recording
from shared.domain.states import ONCE_SAFE, SAFE, ChunkState, RecordingState
from shared.errors import (
    CallvaultError,
    ChunkFailed,
    ChunkLost,
    ChunkRemoved,
    Fault,
    FilesOverdue,
    NotFound,
    NothingRecorded,
    Unforeseen,
)
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.queries.archived_metadata import ArchivedFacts, MetadataRead
from shared.queries.disclosures import Disclosures
from shared.queries.missing_files import MissingFiles
from shared.settings.settings import Settings

log = logger("completion")

_NAMED = 5  # the most chunks that an error names; GET /recordings/{recordingId} shows all


class ArchiveAnswer:
    """Answers one request for a recording's archive record.

    While files are awaited, a request costs one query, and asks ACS only if the catalogue can't tell whether the
    recording runs.
    """

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._recorder, self._catalogue, self._archived = gateways.recorder, gateways.catalogue, gateways.archive_reader
        self._facts = ArchivedFacts(gateways.archive_reader)
        self._missing_files = MissingFiles(gateways, clock, settings)
        self._disclosures = Disclosures(gateways.audit, clock)
        self._clock, self._settings = clock, settings

    async def of(self, named: str, *, by: str) -> ArchiveAwaitedView | ArchiveRecordView:
        """Returns what is awaited, or the archive record if all is safe. A record that names participants is audited.

        `named` is the recordingId or the recording's key.
        Raises NotFound if neither the catalogue nor ACS knows the recording, NothingRecorded if ACS could not start it,
        ChunkFailed or ChunkLost if a chunk isn't archived and no attempt is left, ChunkRemoved if someone removed a
        file from the archive, and FilesOverdue if files were not reported in time.
        """
        key = recording_key_of(named)
        recording, chunks = await self._catalogue.recording(key)
        if named != key:
            recording_id: str | None = named
        elif recording is None:
            raise NotFound("the catalogue has no recording of this key")
        else:
            recording_id = recording.recording_id
        _raise_for_trouble(chunks)
        if recording is not None and recording.control is RecordingState.FAILED and not chunks:
            raise NothingRecorded(f"ACS could not start the recording: {recording.failure}; start it again")
        awaited = await self._awaited(recording_id, recording, chunks)
        if awaited is None and recording is not None:
            found = await self._found(recording_id, recording, chunks)
            if isinstance(found, ArchiveRecordView):
                participants = (chunk.participants for chunk in found.chunks)
                await self._disclosures.record("read archive", recording.recording_key, participants, by=by)
            return found
        return _awaiting(recording_id, awaited or Awaited.FILES, chunks)

    async def _awaited(
        self, recording_id: str | None, recording: Recording | None, chunks: tuple[Chunk, ...]
    ) -> Awaited | None:
        if recording is not None and recording.unreadable:
            return Awaited.CHUNKS  # only another version of the app can read the states of these chunks
        if not has_last(chunks, ended=recording is not None and recording.has_ended):
            stopped = recording is not None and recording.control is RecordingState.STOPPED
            if not stopped and await self._may_run(recording_id, recording):
                return Awaited.RECORDING
        # The recording has ended: by its files, by the catalogue, or because ACS doesn't know it any more.
        if has_last(chunks, ended=True) and is_gapless(chunks):
            return None if all(chunk.state in ONCE_SAFE for chunk in chunks) else Awaited.CHUNKS
        self._raise_if_overdue(recording, chunks)
        return Awaited.FILES

    async def _may_run(self, recording_id: str | None, recording: Recording | None) -> bool:
        """Whether the recording may still run: ACS knows a recording as long as it runs.

        If ACS can't be reached, a known recording counts as running, and the caller's next request asks ACS again.
        """
        if recording_id is None:
            return False
        try:
            await self._recorder.state(recording_id)
        except NotFound:
            if recording is None:
                raise
            return False
        except CallvaultError as error:
            if recording is None:
                raise
            log.warning(
                "recording state unavailable from ACS", extra={"action": "archive-answer", "reason": error.reason}
            )
        return True

    def _raise_if_overdue(self, recording: Recording | None, chunks: tuple[Chunk, ...]) -> None:
        """Raises FilesOverdue. Without any chunk, the sweep decides: it sets `overdue_at` after the awaited time.

        After the last report of a chunk, the same time is awaited again.
        """
        if recording is None or (not chunks and recording.overdue_at is None):
            return
        since = recording.silent_since(chunks) or self._clock.now()
        if chunks and self._clock.now() < since + self._settings.files_awaited:
            return
        raise FilesOverdue(
            f"the recording ended, and ACS has not reported {'all of ' if chunks else ''}its files: look for the "
            "event in Event Grid's metrics, the dead-letter container and the quarantine, then send the request again"
        )

    async def _found(
        self, recording_id: str | None, recording: Recording, chunks: tuple[Chunk, ...]
    ) -> ArchiveAwaitedView | ArchiveRecordView:
        """Returns the archive record, after a check that the files still exist. A missing file may be copied again."""
        metadata = await self._facts.of(chunks)
        chunks = await self._missing_files.check_all(chunks, metadata)
        _raise_for_removed(chunks)
        if any(chunk.state not in ONCE_SAFE for chunk in chunks):
            return _awaiting(recording_id, Awaited.CHUNKS, chunks)
        return self._record(recording_id, recording, chunks, metadata)

    def _record(
        self, recording_id: str | None, recording: Recording, chunks: tuple[Chunk, ...], metadata: list[MetadataRead]
    ) -> ArchiveRecordView:
        indexes = Counter(chunk.index for chunk in chunks)
        shown = [
            self._shown(chunk, read.facts or ChunkFacts(), sibling=indexes[chunk.index] > 1)
            for chunk, read in zip(chunks, metadata, strict=True)
        ]
        return ArchiveRecordView(
            recording_id=recording_id,
            state=_state_of(chunks),
            correlation=recording.correlation,
            labels=labels_of(recording.labels),
            server_call_id=recording.server_call_id,
            content=recording.content,
            channel=recording.channel,
            format=recording.format,
            started_at=recording.started_at,
            stopped_at=recording.stopped_at,
            duration_ms=recording.duration_ms,
            session_end_reason=recording.session_end_reason,
            consent=ConsentView.of(recording),
            archive_container=self._settings.archive_container,
            size=sum(chunk.size for chunk in shown),
            chunks=shown,
        )

    def _shown(self, chunk: Chunk, facts: ChunkFacts, *, sibling: bool) -> ArchivedChunkView:
        if chunk.size is None or chunk.sha256 is None or chunk.archived_at is None:
            raise Unforeseen(f"the row of chunk {chunk.index} is archived, but has no size, digest or time")
        media = None if chunk.lacks_media else chunk.blob_name
        return ArchivedChunkView(
            document_id=chunk.document_id,
            index=chunk.index,
            sibling=sibling,
            state=chunk.state,
            end_reason=chunk.end_reason,
            blob_name=media,
            blob_url=None if media is None else self._archived.url(media),
            size=chunk.size,
            sha256=chunk.sha256,
            metadata_blob_name=None if chunk.lacks_metadata else chunk.metadata_blob_name,
            metadata_size=chunk.metadata_size,
            metadata_sha256=chunk.metadata_sha256,
            archived_at=chunk.archived_at,
            released_at=chunk.released_at,
            started_at=facts.started_at,
            duration_ms=facts.duration_ms,
            pauses=PauseView.all_of(facts),
            participants=ParticipantView.all_of(facts),
        )


def _state_of(chunks: tuple[Chunk, ...]) -> RecordingState:
    """The state of a recording whose chunks were all archived."""
    states = {chunk.state for chunk in chunks}
    if ChunkState.REMOVED in states:
        return RecordingState.INCOMPLETE
    return RecordingState.EXPIRED if ChunkState.EXPIRED in states else RecordingState.ARCHIVED


def _awaiting(recording_id: str | None, awaited: Awaited, chunks: tuple[Chunk, ...]) -> ArchiveAwaitedView:
    safe = sum(chunk.state in SAFE for chunk in chunks)
    return ArchiveAwaitedView(recording_id=recording_id, waiting_for=awaited, chunks=len(chunks), safe=safe)


def _raise_for_trouble(chunks: tuple[Chunk, ...]) -> None:
    for state, error, advice in (
        (ChunkState.LOST, ChunkLost, "ACS no longer has the files; GET the recording for details"),
        (
            ChunkState.FAILED,
            ChunkFailed,
            "the source is kept until its deadline: fix the cause, then POST to the recording's /replay",
        ),
    ):
        bad = [chunk for chunk in chunks if chunk.state is state]
        if bad:
            fault = bad[0].failure.fault if bad[0].failure else Fault.OURS
            raise error(f"{len(bad)} of {len(chunks)} chunks: {state}: {_named(bad)}; {advice}", fault)


def _raise_for_removed(chunks: tuple[Chunk, ...]) -> None:
    """Raises ChunkRemoved if a media file is missing. The record can show a chunk that lacks only its metadata file."""
    bad = [chunk for chunk in chunks if chunk.state is ChunkState.REMOVED and chunk.lacks_media]
    if bad:
        raise ChunkRemoved(
            f"{len(bad)} of {len(chunks)} chunks: removed: {_named(bad)}; restore the files from soft delete or a "
            "version, then send the request again",
            Fault.DESTINATION,
        )


def _named(chunks: list[Chunk]) -> str:
    return ", ".join(f"index {chunk.index} ({chunk.reason})" for chunk in chunks[:_NAMED])
