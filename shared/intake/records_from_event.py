"""Converts an event into records of the catalogue.

The first event that reports files of a recording sets the recording's fields. Later events add fields that were
unknown. If a later event has another value for a field, the first value stays and the difference is reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from shared.contracts.events.recording_event import RecordingFilesEvent
from shared.domain.keys import key_of
from shared.domain.records import Chunk, Recording
from shared.intake.filing import Filed
from shared.observability import tracing

_SKEW = timedelta(hours=1)  # allowed clock difference; an event time further in the future is ignored


@dataclass(frozen=True, kw_only=True)
class DatedEvent:
    """An event without impossible times, and the time at which it reported its files.

    `at` is estimated if the event's own `event_time` is None.
    """

    event: RecordingFilesEvent
    at: datetime


def dated(event: RecordingFilesEvent, now: datetime, retention: timedelta) -> DatedEvent:
    """Dates an event.

    An event without a usable time gets the time at which its recording ended, or the current time if ACS can't have
    files of that age any more. So an estimated time never puts a chunk past its deadline.
    """
    files, unknown = event.files, list(event.unknown)
    if files.recording_start_time is not None and files.recording_start_time > now + _SKEW:
        files = replace(files, recording_start_time=None)
        unknown.append("data.recordingStartTime")
    at = event.event_time
    if at is None or at > now + _SKEW:
        event = replace(event, event_time=None)
        unknown += [] if "eventTime" in unknown or "time" in unknown else ["eventTime"]
        at = now
        if files.recording_start_time is not None:
            ended = files.recording_start_time + timedelta(milliseconds=files.recording_duration_ms or 0)
            at = ended if now - retention < ended <= now else now
    return DatedEvent(event=replace(event, files=files, unknown=tuple(unknown)), at=at)


def recording_of(dated_event: DatedEvent, filed: Filed, known: Recording | None) -> Recording:
    """The recording's record, merged from this event and the earlier ones. `known` is its row, or None."""
    said, unknown = _said(dated_event.event, filed), Recording(recording_key=filed.recording_key)
    earlier = known if known is not None and known.announced_at is not None else unknown
    listed_at = known.listed_at if known is not None else None
    return Recording(
        recording_key=filed.recording_key,
        recording_id=_first(earlier.recording_id, said.recording_id),
        server_call_id=_first(earlier.server_call_id, said.server_call_id),
        call_id=_first(earlier.call_id, said.call_id),
        content=_first(earlier.content, said.content),
        channel=_first(earlier.channel, said.channel),
        format=_first(earlier.format, said.format),
        started_at=_first(earlier.started_at, said.started_at),
        announced_at=_first(earlier.announced_at, dated_event.at),
        duration_ms=_first(earlier.duration_ms, said.duration_ms),
        session_end_reason=_first(earlier.session_end_reason, said.session_end_reason),
        unlinked=filed.unlinked or None,
        listed_at=listed_at or said.started_at or dated_event.at,
        labels=known.labels if known is not None else None,  # the start wrote them; each chunk gets a copy
    )


def differing(event: RecordingFilesEvent, filed: Filed, recorded: Recording) -> list[str]:
    """Names of the fields whose value in the event differs from the recorded value, which stays."""
    said = _said(event, filed)
    names = [field.name for field in fields(said) if field.compare]
    differ = [name for name in names if getattr(said, name) not in (None, getattr(recorded, name))]
    return [*(["recording"] if filed.joined else []), *differ]


def chunks_differing(current: tuple[Chunk, ...], said: Mapping[str, Chunk]) -> list[str]:
    """Names of the fields of known chunks that have another value in the event.

    Locations aren't among them: shared.intake.known_chunks compares and reports those.
    """
    pairs = [(chunk, said[chunk.chunk_key]) for chunk in current]
    index_differs = any(one.index != chunk.index for chunk, one in pairs)
    reason_differs = any(one.end_reason not in (None, chunk.end_reason) for chunk, one in pairs)
    return [*(["index"] if index_differs else []), *(["end_reason"] if reason_differs else [])]


def chunks_of(
    dated_event: DatedEvent, filed: Filed, *, recording: Recording, now: datetime, retention: timedelta
) -> tuple[Chunk, ...]:
    """The records of an event's chunks that belong to one recording, as if they were new."""
    event, files = dated_event.event, dated_event.event.files
    return tuple(
        Chunk(
            recording_key=filed.recording_key,
            chunk_key=key_of(announced.document_id),
            recording_id=None if filed.joined else event.recording_id,
            document_id=announced.document_id,
            index=announced.index,
            end_reason=announced.end_reason,
            content_location=announced.content_location,
            metadata_location=announced.metadata_location,
            delete_location=announced.delete_location,
            locations_at=event.event_time,
            content=files.recording_content_type,
            channel=files.recording_channel_type,
            format=files.recording_format_type,
            started_at=files.recording_start_time or dated_event.at,
            listed_at=recording.listed_at,
            labels=recording.labels,
            event_id=event.event_id,
            event_time=dated_event.at,
            deadline=dated_event.at + retention,
            pending_at=now,
            traceparent=tracing.current(),
        )
        for announced in filed.chunks
    )


def _said(event: RecordingFilesEvent, filed: Filed) -> Recording:
    """The event's fields of its recording. The recordingId is left out if the documents belong to another recording."""
    files = event.files
    return Recording(
        recording_key=filed.recording_key,
        recording_id=None if filed.joined else event.recording_id,
        server_call_id=event.server_call_id,
        call_id=event.call_id,
        content=files.recording_content_type,
        channel=files.recording_channel_type,
        format=files.recording_format_type,
        started_at=files.recording_start_time,
        duration_ms=files.recording_duration_ms,
        session_end_reason=files.session_end_reason,
    )


def _first[T](earlier: T | None, later: T | None) -> T | None:
    return later if earlier is None else earlier
