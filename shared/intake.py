"""An event becomes chunks in the catalogue, rows on the worklist and jobs on the queue.

        catalogue ──> worklist ──> queue ──> answer to Event Grid
            1            2           3             4

Event Grid delivers again until it gets 4, and every step takes a repeat, so a crash anywhere is mended by the next
delivery. The queue comes last: a job is never read before what it points to is there. Once a chunk has left
`pending`, all three steps have been done for it, and a repeat does nothing.
"""

import asyncio
import hashlib
import json
from datetime import datetime
from enum import StrEnum
from itertools import batched
from typing import Any

from opentelemetry.trace import Span, SpanKind

from shared import tracing
from shared.autorecording import AutoRecording
from shared.clock import Clock
from shared.contracts.callstarted import is_call_started, read_call_started
from shared.contracts.events import (
    RECORDING_FILE_STATUS_UPDATED,
    RecordingFilesEvent,
    UnreadableEvent,
    event_type,
    read_event,
)
from shared.contracts.jobs import ChunkJob
from shared.contracts.rules import Trigger
from shared.filewatch import FileWatch
from shared.gateways.bundle import Gateways
from shared.gateways.worklist import WorkItem
from shared.identity import key_of, unlinked_key
from shared.logs import logger
from shared.records import Chunk, Recording
from shared.settings import Settings
from shared.states import ChunkState

log = logger("intake")

_AT_ONCE = 16  # chunks written to worklist and queue together; Event Grid waits 30 s for all


class Outcome(StrEnum):
    QUEUED = "queued"
    TAKEN = "taken"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


class Intake:
    """Takes in what Event Grid delivers."""

    def __init__(self, gateways: Gateways, auto: AutoRecording, clock: Clock, settings: Settings) -> None:
        self._catalogue, self._worklist, self._links = gateways.catalogue, gateways.worklist, gateways.links
        self._jobs, self._archive = gateways.jobs, gateways.archive
        self._files = FileWatch(gateways, clock, settings)
        self._auto, self._clock, self._settings = auto, clock, settings

    async def receive(self, envelope: dict[str, Any]) -> Outcome:
        """Takes in one event, of Event Grid's schema or CloudEvents'.

        Raises DestinationError when storage fails, so that Event Grid delivers again. What can't be read is kept in
        quarantine and answered with success: delivering it again would not mend it.
        """
        if is_call_started(envelope):
            return await self._call_started(envelope)
        found = event_type(envelope)
        if found and found.lower() != RECORDING_FILE_STATUS_UPDATED.lower():
            log.info("event ignored", extra={"action": "intake", "event_type": found[:128]})
            return Outcome.IGNORED
        try:
            event = read_event(envelope)
        except UnreadableEvent as error:
            await self._quarantine(envelope, str(error))
            return Outcome.QUARANTINED
        with tracing.span("take in event", {}, kind=SpanKind.CONSUMER) as span:
            await self._announce(event, span)
        return Outcome.QUEUED

    async def _call_started(self, envelope: dict[str, Any]) -> Outcome:
        try:
            call = read_call_started(envelope)
        except UnreadableEvent as error:
            await self._quarantine(envelope, str(error))
            return Outcome.QUARANTINED
        concerns_us = await self._auto.consider(
            Trigger.CALL_STARTED, server_call_id=call.server_call_id, call_kind=call.kind
        )
        return Outcome.TAKEN if concerns_us else Outcome.IGNORED

    async def _announce(self, event: RecordingFilesEvent, span: Span) -> None:
        recording_key, unlinked = await self._recording_of(event)
        span.set_attributes({"callvault.recording.key": recording_key, "callvault.chunks": len(event.files.chunks)})
        known = await self._catalogue.ledger(recording_key)
        listed_at = known.listed_at if known is not None else None
        listed_at = listed_at or event.files.recording_start_time or event.event_time
        chunks = tuple(
            self._chunk(event, recording_key, listed_at, number) for number in range(len(event.files.chunks))
        )
        recording = _recording(event, recording_key, unlinked=unlinked).evolve(listed_at=listed_at)
        standing = await self._catalogue.announce(recording, chunks, known)
        waiting = [chunk for chunk in standing if chunk.state is ChunkState.PENDING and chunk.attempts == 0]
        for some in batched(waiting, _AT_ONCE, strict=False):
            await asyncio.gather(*map(self._queue, some))
        await self._files.announced(recording, standing, known)
        log.info(
            "event taken in",
            extra={
                "action": "intake",
                "recording_key": recording_key,
                "unlinked": unlinked,
                "chunks": len(standing),
                "queued": len(waiting),
            },
        )

    async def _queue(self, chunk: Chunk) -> None:
        await self._worklist.add(WorkItem.of_chunk(chunk, self._clock.now() + self._settings.sweep_grace))
        await self._jobs.send(ChunkJob.of(chunk))

    async def _recording_of(self, event: RecordingFilesEvent) -> tuple[str, bool]:
        """The recording's key, and whether nothing links the event to a recording.

        Subjects of older events don't name the recording. Then the ledger does, if the call has just one; and what was
        decided is remembered by document, since the ledger may know more when the event is repeated.
        """
        if event.recording_id:
            return key_of(event.recording_id), False
        documents = sorted(chunk.document_id for chunk in event.files.chunks)
        alone = unlinked_key(documents[0])
        known = [await self._links.recording_of_document(document_id) for document_id in documents]
        key = next(filter(None, known), None)
        if key is None:
            found = await self._links.recording_of_call(event.server_call_id) if event.server_call_id else None
            key = found or alone
        for document_id in documents:
            key = await self._links.link_document(document_id, key)
        return key, key in map(unlinked_key, documents)

    def _chunk(self, event: RecordingFilesEvent, recording_key: str, listed_at: datetime, number: int) -> Chunk:
        announced, files = event.files.chunks[number], event.files
        return Chunk(
            recording_key=recording_key,
            chunk_key=key_of(announced.document_id),
            recording_id=event.recording_id,
            document_id=announced.document_id,
            index=announced.index,
            end_reason=announced.end_reason,
            content_location=announced.content_location,
            metadata_location=announced.metadata_location,
            delete_location=announced.delete_location,
            content=files.recording_content_type,
            channel=files.recording_channel_type,
            format=files.recording_format_type,
            started_at=files.recording_start_time or event.event_time,
            listed_at=listed_at,
            event_id=event.event_id,
            event_time=event.event_time,
            deadline=event.event_time + self._settings.retention,
            pending_at=self._clock.now(),
            traceparent=tracing.current(),
        )

    async def _quarantine(self, envelope: dict[str, Any], reason: str) -> None:
        event = json.dumps(envelope, default=str, sort_keys=True)
        name = f"{hashlib.sha256(event.encode()).hexdigest()[:32]}.json"
        kept = {"reason": reason, "receivedAt": self._clock.now().isoformat(), "event": envelope}
        await self._archive.quarantine(name, json.dumps(kept, default=str, indent=2).encode())
        log.error("event kept in quarantine", extra={"action": "quarantine", "blob": name, "reason": reason})


def _recording(event: RecordingFilesEvent, recording_key: str, *, unlinked: bool) -> Recording:
    files = event.files
    return Recording(
        recording_key=recording_key,
        recording_id=event.recording_id,
        server_call_id=event.server_call_id,
        call_id=event.call_id,
        content=files.recording_content_type,
        channel=files.recording_channel_type,
        format=files.recording_format_type,
        started_at=files.recording_start_time,
        announced_at=event.event_time,
        duration_ms=files.recording_duration_ms,
        session_end_reason=files.session_end_reason,
        unlinked=unlinked or None,
    )
