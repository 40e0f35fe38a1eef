"""Converts an event into records of the catalogue.

The first event that reports files of a recording sets the recording's fields. Later events add fields that were
unknown. If a later event has another value for a field, the first value stays and the difference is reported.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.events.recording_event import RecordingFilesEvent
from shared.domain.keys import key_of
from shared.domain.records import Chunk, Recording
from shared.intake.filing import Filed

_SKEW = timedelta(hours=1)  # allowed clock difference; an event time further in the future is ignored


def dated(event: RecordingFilesEvent, now: datetime, retention: timedelta) -> tuple[datetime, RecordingFilesEvent]:
    """The time at which the event reported its files, and the event without impossible times.

    An event without a usable time gets the time at which its recording ended, or the current time if ACS can't have
    files of that age any more. So an estimated time never puts a chunk past its deadline.
    """
    files, unknown = event.files, list(event.unknown)
    if files.recording_start_time is not None and files.recording_start_time > now + _SKEW:
        files = replace(files, recording_start_time=None)
        unknown.append("data.recordingStartTime")
    when = event.event_time
    if when is None or when > now + _SKEW:
        unknown += [] if "eventTime" in unknown or "time" in unknown else ["eventTime"]
        when = now
        if files.recording_start_time is not None:
            ended = files.recording_start_time + timedelta(milliseconds=files.recording_duration_ms or 0)
            when = ended if now - retention < ended <= now else now
    return when, replace(event, files=files, unknown=tuple(unknown))


def recording_of(event: RecordingFilesEvent, when: datetime, filed: Filed, known: Recording | None) -> Recording:
    """The recording's record, merged from this event and the earlier ones."""
    facts = {
        name: getattr(known, name) if _is_decided(known, name) else value
        for name, value in _facts(event, filed).items()
    }
    return Recording(
        recording_key=filed.recording_key,
        announced_at=when if known is None or known.announced_at is None else known.announced_at,
        unlinked=filed.unlinked or None,
        **facts,
    )


def differing(event: RecordingFilesEvent, known: Recording | None, filed: Filed) -> list[str]:
    """Names of the fields whose value in the event differs from the recorded value, which stays."""
    said = _facts(event, filed).items()
    facts = [name for name, value in said if _is_decided(known, name) and value not in (None, getattr(known, name))]
    return [*(["recording"] if filed.joined else []), *facts]


def chunks_differing(current: tuple[Chunk, ...], said: Mapping[str, Chunk]) -> list[str]:
    """Names of the fields of known chunks that have another value in the event.

    Locations aren't among them: shared.intake.known_chunks compares and reports those.
    """
    pairs = [(chunk, said[chunk.chunk_key]) for chunk in current]
    return [
        name
        for name in ("index", "end_reason")
        if any(getattr(one, name) not in (None, getattr(chunk, name)) for chunk, one in pairs)
    ]


def chunk_of(event: RecordingFilesEvent, filed: Filed, number: int, **tracked: Any) -> Chunk:
    """The record of the event's chunk at position `number` of `filed`. `tracked` has the fields that no event has."""
    announced, files = filed.chunks[number], event.files
    return Chunk(
        recording_key=filed.recording_key,
        chunk_key=key_of(announced.document_id),
        recording_id=None if filed.joined else event.recording_id,
        document_id=announced.document_id,
        index=announced.index,
        end_reason=announced.end_reason,
        content_location=announced.content_location,
        metadata_location=announced.metadata_location,
        delete_location=announced.delete_location,
        content=files.recording_content_type,
        channel=files.recording_channel_type,
        format=files.recording_format_type,
        started_at=files.recording_start_time or tracked["event_time"],
        event_id=event.event_id,
        **tracked,
    )


def _is_decided(known: Recording | None, name: str) -> bool:
    return known is not None and known.announced_at is not None and getattr(known, name) is not None


def _facts(event: RecordingFilesEvent, filed: Filed) -> dict[str, Any]:
    """The event's fields of its recording. The recordingId is left out if the documents belong to another recording."""
    files = event.files
    said = {
        "recording_id": event.recording_id,
        "server_call_id": event.server_call_id,
        "call_id": event.call_id,
        "content": files.recording_content_type,
        "channel": files.recording_channel_type,
        "format": files.recording_format_type,
        "started_at": files.recording_start_time,
        "duration_ms": files.recording_duration_ms,
        "session_end_reason": files.session_end_reason,
    }
    return said | {"recording_id": None} if filed.joined else said
