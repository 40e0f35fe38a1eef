"""Event Grid's `RecordingFileStatusUpdated`, read leniently where ACS is loose and strictly where identity hangs on it.

ACS's own spelling varies: type fields are optional and PascalCase, keys have come in both casings, and subjects exist
in three vintages, of which the older lack serverCallId, recordingId or both. What makes a chunk a chunk (documentId and
three locations) must be there.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

RECORDING_FILE_STATUS_UPDATED = "Microsoft.Communication.RecordingFileStatusUpdated"


_CALL, _SERVER, _RECORDING = (
    re.compile(label, re.IGNORECASE | re.ASCII) for label in ("/?recording/call/", "/serverCallId/", "/recordingId/")
)
_FIRST_YEAR, _LAST_YEAR = 1601, 9000  # a table's times begin with 1601
_LONGEST_MS = 10**12  # thirty years


class UnreadableEvent(ValueError):
    """The event cannot be understood, and delivering it again will not change that."""


def _lower_first(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: item for key, item in value.items() if isinstance(key, str)}
    return value


def _assume_utc(value: Any) -> Any:
    """A time without a zone is UTC: the worker library drops the zone of some spellings."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat() + "Z"
    return value


def _storable(value: datetime) -> datetime:
    """In UTC, and of a year that Table Storage and the arithmetic of deadlines can take."""
    if not _FIRST_YEAR < value.year < _LAST_YEAR:
        raise ValueError(f"must be between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return value.astimezone(UTC)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _content(value: Any) -> Any:
    lowered = _lower(value)
    return "audioVideo" if lowered == "audiovideo" else lowered


def _distinct(chunks: "list[AnnouncedChunk]") -> "list[AnnouncedChunk]":
    return list({chunk.document_id: chunk for chunk in chunks}.values())


Utc = Annotated[AwareDatetime, BeforeValidator(_assume_utc), AfterValidator(_storable)]
# ACS's ids and addresses are printable ASCII. Ids of this length, percent-encoded, fit a blob's 8 KiB of metadata.
_PRINTABLE = r"^[\x20-\x7e]*$"
Location = Annotated[str, Field(min_length=1, max_length=8192, pattern=_PRINTABLE)]
Identifier = Annotated[str, Field(min_length=1, max_length=1024, pattern=_PRINTABLE)]
Word = Annotated[str, Field(max_length=256, pattern=_PRINTABLE)]


class _Lenient(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class AnnouncedChunk(_Lenient):
    """One file of the recording: where its media and metadata are, and what deletes both."""

    document_id: Identifier
    index: int = Field(default=0, ge=0, le=1_000_000)
    end_reason: Word | None = None
    content_location: Location
    metadata_location: Location
    delete_location: Location


class RecordingFiles(_Lenient):
    """The event's data."""

    chunks: Annotated[list[AnnouncedChunk], AfterValidator(_distinct)]
    recording_id: Identifier | None = None
    recording_start_time: Utc | None = None
    recording_duration_ms: int | None = Field(default=None, ge=0, le=_LONGEST_MS)
    recording_content_type: Annotated[Word | None, BeforeValidator(_content)] = None
    recording_channel_type: Annotated[Word | None, BeforeValidator(_lower)] = None
    recording_format_type: Annotated[Word | None, BeforeValidator(_lower)] = None
    session_end_reason: Word | None = None


class RecordingFilesEvent(BaseModel):
    """One event, its subject taken apart."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    event_time: datetime
    call_id: str | None
    server_call_id: str | None
    recording_id: Identifier | None
    files: RecordingFiles


class _Envelope(_Lenient):
    id: Identifier
    subject: str = Field(max_length=16384, pattern=_PRINTABLE)
    event_time: Utc
    data: dict[str, Any]


def event_type(envelope: dict[str, Any]) -> str:
    """The type of an event of Event Grid's schema or CloudEvents'; empty when it has none."""
    keys = _lower_first(envelope)
    found = keys.get("eventType") or keys.get("type")
    return found if isinstance(found, str) else ""


def read_event(envelope: dict[str, Any]) -> RecordingFilesEvent:
    """Reads an event of Event Grid's schema or CloudEvents 1.0. Raises UnreadableEvent naming the fields at fault."""
    keys = _lower_first(envelope)
    keys.setdefault("eventTime", keys.get("time"))
    try:
        outer = _Envelope.model_validate(keys)
        data = _lower_first(outer.data)
        info = _lower_first(data.get("recordingStorageInfo"))
        chunks = info.get("recordingChunks") if isinstance(info, dict) else None
        if not isinstance(chunks, list) or not chunks:
            raise UnreadableEvent("data.recordingStorageInfo.recordingChunks: lists no chunk")
        files = RecordingFiles.model_validate({**data, "chunks": [_lower_first(chunk) for chunk in chunks]})
        call_id, server_call_id, recording_id = _take_apart(outer.subject)
        return RecordingFilesEvent(
            event_id=outer.id,
            event_time=outer.event_time,
            call_id=call_id,
            server_call_id=server_call_id,
            recording_id=recording_id or files.recording_id,
            files=files,
        )
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise UnreadableEvent("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)) from None


def _take_apart(subject: str) -> tuple[str | None, str | None, str | None]:
    """callId, serverCallId and recordingId, as far as the subject names them.

    Its labels divide it and not its slashes, since a serverCallId is base64 and may hold some.
    """
    start = _CALL.match(subject)
    if start is None:
        return None, None, None
    rest = subject[start.end() :].rstrip("/")
    recording = max(_RECORDING.finditer(rest), key=re.Match.start, default=None)
    recording_id = rest[recording.end() :] if recording else None
    rest = rest[: recording.start()] if recording else rest
    server = _SERVER.search(rest)
    server_call_id = rest[server.end() :] if server else None
    call_id = rest[: server.start()] if server else rest
    return call_id or None, server_call_id or None, recording_id or None


class DeliveredEvent(Protocol):
    """What the worker library hands a function: an Event Grid event, its members as attributes."""

    @property
    def id(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def event_type(self) -> str: ...

    @property
    def event_time(self) -> datetime | None: ...

    def get_json(self) -> Any: ...


def envelope_of(event: DeliveredEvent) -> dict[str, Any]:
    """The event as it was on the wire, as far as the worker library kept it."""
    return {
        "id": event.id,
        "subject": event.subject,
        "eventType": event.event_type,
        "eventTime": event.event_time,
        "data": event.get_json(),
    }
