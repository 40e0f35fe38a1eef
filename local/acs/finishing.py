"""Creates the files of an ended recording, and publishes its event. Also does so for requested documents."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.acs import identifiers
from local.acs.calls.calls import CallTraits
from local.acs.calls.chunk_metadata import ChunkFacts, chunk_metadata, encoded
from local.acs.calls.recordings import Recording
from local.acs.calls.timeline import Span
from local.acs.delivery import events
from local.acs.delivery.event_grid import EventGrid, Published
from local.acs.delivery.events import Event, FinishedRecording
from local.acs.faults import oddities
from local.acs.faults.requested_faults import Faults, Target
from local.acs.media import rendering
from local.acs.media.content import Content
from local.acs.media.documents import Document, Documents
from local.acs.media.encoders import Encoders, EncodingError
from local.acs.media.synthetic import synthetic
from local.acs.times import acs_time, after, now

logger = logging.getLogger(__name__)

SIBLING_EXTRA = 2048
"""A sibling has more bytes than the original, so the two can't be confused."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """The common properties of a recording's chunks."""

    call_id: str
    recording_id: str
    content_type: str
    channel_type: str
    media_format: str
    channels: int
    speakers: tuple[tuple[str, int | None], ...]
    traits: CallTraits
    retention: float
    container: str | None = None


@dataclass(frozen=True, kw_only=True)
class Made:
    """The content of one chunk, before it becomes a document."""

    index: int
    span: Span
    content: Content
    document_id: str


@dataclass(frozen=True, kw_only=True)
class Announcement:
    event: Event
    published: Published | None
    """None if a fault suppresses the event."""


@dataclass(kw_only=True)
class Finisher:
    documents: Documents
    faults: Faults
    grid: EventGrid
    directory: Path
    event_delay: float
    retention: float
    encoders: Encoders = field(default_factory=Encoders)
    finished: dict[str, FinishedRecording] = field(default_factory=dict)
    """Every recording whose files exist, by its id."""

    async def finish(self, recording: Recording) -> None:
        try:
            facts = await self._facts_of(recording)
        except (EncodingError, OSError) as error:
            recording.failure = str(error)
            logger.exception("The files of recording %s could not be created", recording.recording_id)
            return
        else:
            self.finished[recording.recording_id] = facts
        finally:
            recording.finished.set()
        if not recording.announced_early:
            await asyncio.sleep(self.event_delay)
            self.announce(facts)

    def announce(self, facts: FinishedRecording) -> Announcement:
        """Publishes the event about a recording's files, unless a fault suppresses it."""
        target = Target(recording_id=facts.recording_id, call_id=facts.call_id)
        fault = self.faults.take("event", target, kinds=frozenset({"siblings", "duplicate", "eventNever"}))
        kind = fault.kind if fault else None
        if kind == "siblings":
            siblings = [self._sibling(document) for document in facts.documents]
            facts = replace(facts, documents=[*facts.documents, *siblings])
            self.finished[facts.recording_id] = facts
        event = events.file_status_updated(facts)
        if kind == "eventNever":
            return Announcement(event=event, published=None)
        copies = fault.copies if fault and kind == "duplicate" else 1 + facts.traits.repeat_events
        return Announcement(event=event, published=self.grid.publish(event, copies=copies))

    async def _facts_of(self, recording: Recording) -> FinishedRecording:
        return FinishedRecording(
            call_id=recording.call.call_id,
            server_call_id=recording.call.server_call_id,
            recording_id=recording.recording_id,
            traits=recording.call.traits,
            started=recording.timeline.origin,
            duration_ms=recording.duration_ms,
            content_type=recording.request.content,
            channel_type=recording.request.channel,
            media_format=recording.request.media_format,
            session_end_reason=recording.session_end_reason or "CallEnded",
            documents=await self._files_of(recording),
            number=oddities.number_of(recording.recording_id),
        )

    def add(self, output: Output, made: Made, number: int) -> Document:
        """Adds a chunk to the store. `number` selects its oddities."""
        document_id, index, content = made.document_id, made.index, made.content
        odd = output.traits.oddities
        facts = ChunkFacts(
            call_id=output.call_id,
            document_id=document_id,
            index=index,
            span=made.span,
            content_type=output.content_type,
            channel_type=output.channel_type,
            media_format=output.media_format,
            channels=output.channels,
            speakers=output.speakers,
            quirks=output.traits.quirks,
            wild=output.traits.wild_metadata,
            half_milliseconds=odd and oddities.has_half_milliseconds(number),
        )
        metadata = chunk_metadata(facts)
        document = Document(
            document_id=document_id,
            recording_id=output.recording_id,
            call_id=output.call_id,
            index=index,
            media_format=output.media_format,
            content=content,
            metadata=metadata,
            metadata_bytes=encoded(metadata),
            end_reason=made.span.end_reason,
            expires_at=after(now(), output.retention),
            redirects=output.traits.redirects,
            container=output.container,
            whole_answer=oddities.whole_answer(number) if odd else None,
        )
        self.documents.add(document)
        return document

    async def _files_of(self, recording: Recording) -> Sequence[Document]:
        if recording.ended_at is None:
            raise ValueError("the recording hasn't ended")
        channels = recording.channels()
        unmixed = recording.request.channel == "unmixed"
        present = recording.speakers()
        width = max((channels.get(one.participant_id, 0) for one in present), default=0) + 1 if unmixed else 1
        output = Output(
            call_id=recording.call.call_id,
            recording_id=recording.recording_id,
            content_type=recording.request.content,
            channel_type=recording.request.channel,
            media_format=recording.request.media_format,
            channels=width,
            speakers=tuple((one.participant_id, channels.get(one.participant_id)) for one in present),
            traits=recording.call.traits,
            retention=self.retention,
            container=recording.request.container,
        )
        documents = []
        for index, span in enumerate(recording.timeline.spans(recording.ended_at)):
            document_id = identifiers.new_document_id()
            take = rendering.Take(
                media_format=output.media_format,
                unmixed=unmixed,
                voices=width if unmixed else len(present),
                duration_ms=span.duration_ms,
            )
            content = await rendering.render(take, self.encoders, self.directory, document_id)
            made = Made(index=index, span=span, content=content, document_id=document_id)
            documents.append(self.add(output, made, oddities.number_of(document_id)))
        return documents

    def _sibling(self, document: Document) -> Document:
        """A second file of the same chunk, as after a failover: other bytes with the same recording and index."""
        sibling_id = identifiers.new_document_id()
        metadata = document.metadata | {"chunkDocumentId": sibling_id}
        size = document.content.size + SIBLING_EXTRA
        sibling = replace(
            document,
            document_id=sibling_id,
            content=synthetic(document.media_format, size, channels=1, seed=secrets.randbelow(1 << 30)),
            metadata=metadata,
            metadata_bytes=encoded(metadata),
            downloads=0,
            metadata_downloads=0,
            bytes_sent=0,
            ranges_asked=0,
        )
        self.documents.add(sibling)
        return sibling


async def described(facts: FinishedRecording, documents: Sequence[Document]) -> dict[str, Any]:
    """The description of a requested recording, in the same format as that of a recorded one."""
    return {
        "recordingId": facts.recording_id,
        "recordingState": "inactive",
        "recordingKind": "azureCommunicationServices",
        "callId": facts.call_id,
        "serverCallId": facts.server_call_id,
        "contentType": facts.content_type,
        "channelType": facts.channel_type,
        "formatType": facts.media_format,
        "paused": False,
        "startedAt": acs_time(facts.started),
        "endedAt": acs_time(after(facts.started, facts.duration_ms / 1000)),
        "durationMs": facts.duration_ms,
        "pauses": [],
        "sessionEndReason": facts.session_end_reason,
        "failure": None,
        "chunks": [await document.described() for document in documents],
    }
