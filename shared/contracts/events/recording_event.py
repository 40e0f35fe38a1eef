"""Parses Event Grid's `RecordingFileStatusUpdated`: strict for the fields that archiving needs, lenient for others.

To archive a chunk, Callvault needs its documentId and its media's location. Every other field is optional in ACS's
specification, and typed clients write defaults such as `""`, 0 and 0001-01-01: invalid fields count as unknown and are
listed in `unknown`. Each chunk is parsed independently: `unread` lists the errors of invalid chunks, and the other
chunks are archived.

ACS's spelling varies: type fields are optional and PascalCase, keys occur in both casings, and subjects exist in three
versions, the older of which lack serverCallId, recordingId or both.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts import lenient_json
from shared.contracts.events.own_storage import is_own_storage, names_own_storage
from shared.contracts.lenient_json import Members

RECORDING_FILE_STATUS_UPDATED = "Microsoft.Communication.RecordingFileStatusUpdated"

_CALL, _SERVER, _RECORDING = (
    re.compile(label, re.IGNORECASE | re.ASCII) for label in ("/?recording/call/", "/serverCallId/", "/recordingId/")
)
_LARGEST_INDEX = 1_000_000
_LONGEST_MS = 10**12  # thirty years
_LONGEST_SUBJECT = 16384
_SUBJECT = re.compile(r"[\x20-\x7e]+")
_CHUNKS = "recordingChunks"
_ORIGINS = frozenset({"topic", "source"})


@dataclass(frozen=True, kw_only=True)
class _Ids:
    """The IDs in an event's subject."""

    call_id: str | None = None
    server_call_id: str | None = None
    recording_id: str | None = None


class UnreadableEvent(ValueError):
    """The event can't be parsed, and another delivery won't help."""


@dataclass(frozen=True, kw_only=True)
class AnnouncedChunk:
    """One file of the recording: the locations of its media and metadata, and the location that deletes both."""

    document_id: str
    index: int
    end_reason: str | None = None
    content_location: str = field(repr=False)
    metadata_location: str | None = field(default=None, repr=False)
    delete_location: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class RecordingFiles:
    """The event's data."""

    chunks: tuple[AnnouncedChunk, ...]
    recording_start_time: datetime | None = None
    recording_duration_ms: int | None = None
    recording_content_type: str | None = None
    recording_channel_type: str | None = None
    recording_format_type: str | None = None
    session_end_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordingFilesEvent:
    """One event with its parsed subject. `event_time` is None when the event has no usable time."""

    event_id: str
    event_time: datetime | None
    call_id: str | None
    server_call_id: str | None
    recording_id: str | None
    files: RecordingFiles
    unread: tuple[str, ...] = ()  # the errors of chunks that couldn't be parsed
    unknown: tuple[str, ...] = ()  # paths of invalid fields
    own_storage: bool = False  # ACS wrote other files, which aren't in `files`, to the customer's own storage


def event_type(envelope: dict[str, Any]) -> str:
    """The type of an event in the Event Grid or CloudEvents schema; empty if it has none."""
    keys = Members(envelope)
    return (keys.read("eventType", lenient_json.word) or keys.read("type", lenient_json.word) or "").strip()


def is_recording_event(envelope: dict[str, Any]) -> bool:
    """Whether an event reports files of a recording. One without a type is read as if it did."""
    return event_type(envelope).lower() in ("", RECORDING_FILE_STATUS_UPDATED.lower())


def is_from(source: str, envelope: dict[str, Any]) -> bool:
    """Whether this resource is the event's origin: `topic` in the Event Grid schema, `source` in CloudEvents.

    Resource IDs are case-insensitive in Azure. An event without an origin, or with a second one, doesn't match.
    """
    named = [value for key, value in envelope.items() if isinstance(key, str) and key.lower() in _ORIGINS]
    given = [value for value in named if value is not None]
    return bool(given) and all(isinstance(one, str) and one.lower() == source.lower() for one in given)


def read_event(envelope: dict[str, Any]) -> RecordingFilesEvent:
    """Parses an event in the Event Grid or CloudEvents 1.0 schema.

    Raises UnreadableEvent, which names the invalid fields, if no chunk of it can be parsed.
    """
    outer = Members(envelope)
    subject = _ids_in(outer.read("subject", _subject) or "")
    data = outer.inner("data")
    elsewhere = bool(data.read("storageType", names_own_storage))
    storage = data.inner("recordingStorageInfo")
    chunks: dict[str, AnnouncedChunk] = {}
    unread: list[str] = []
    listed = [] if elsewhere else storage.read(_CHUNKS, lenient_json.entries) or []
    for number, entry in enumerate(listed):
        try:
            chunk = _chunk(storage.at(number, _CHUNKS, entry), number)
        except UnreadableEvent as error:
            unread.append(str(error))
        else:
            elsewhere = elsewhere or chunk is None
            chunks |= {chunk.document_id: chunk} if chunk is not None else {}
    if not chunks and not elsewhere:
        raise UnreadableEvent("; ".join(unread) or f"{storage.path(_CHUNKS)}: contains no chunk")
    files = RecordingFiles(
        chunks=tuple(chunks.values()),
        recording_start_time=data.read("recordingStartTime", lenient_json.moment),
        recording_duration_ms=data.read("recordingDurationMs", lenient_json.up_to(_LONGEST_MS)),
        recording_content_type=data.read("recordingContentType", _content),
        recording_channel_type=data.read("recordingChannelType", _lower),
        recording_format_type=data.read("recordingFormatType", _lower),
        session_end_reason=data.read("sessionEndReason", lenient_json.word),
    )
    in_data = data.read("recordingId", lenient_json.identifier)
    return RecordingFilesEvent(
        event_id=outer.read("id", lenient_json.identifier) or _digest(envelope),
        event_time=outer.read("eventTime", lenient_json.moment) or outer.read("time", lenient_json.moment),
        call_id=subject.call_id,
        server_call_id=subject.server_call_id,
        recording_id=subject.recording_id or in_data,
        files=files,
        unread=tuple(unread),
        unknown=tuple(outer.unknown),
        own_storage=elsewhere,
    )


def _chunk(members: Members, number: int) -> AnnouncedChunk | None:
    """A chunk in ACS's store; None if it is in the customer's storage. The default index is the list position.

    Raises UnreadableEvent, which names the missing fields.
    """
    document_id = members.read("documentId", lenient_json.identifier)
    content, metadata, delete = (
        members.read(name, lenient_json.address) for name in ("contentLocation", "metadataLocation", "deleteLocation")
    )
    if any(is_own_storage(location) for location in ([content] if content else filter(None, (metadata, delete)))):
        return None
    if document_id is None or content is None:
        needed = {"documentId": document_id, "contentLocation": content}
        lacking = [members.path(name) for name, value in needed.items() if value is None]
        raise UnreadableEvent("; ".join(f"{path}: is missing or invalid" for path in lacking))
    index = members.read("index", lenient_json.up_to(_LARGEST_INDEX))
    return AnnouncedChunk(
        document_id=document_id,
        index=number if index is None else index,
        end_reason=members.read("endReason", lenient_json.word),
        content_location=content,
        metadata_location=metadata,
        delete_location=delete,
    )


def _digest(envelope: dict[str, Any]) -> str:
    """An ID for an event without one, from the fields that its delivery, dead letter and replay share."""
    fields = {key.lower(): value for key, value in envelope.items()}
    kept = {key: fields[key] for key in ("eventtype", "type", "subject", "eventtime", "time", "data") if key in fields}
    text = json.dumps(kept, default=str, sort_keys=True)
    return f"sha256-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _subject(value: Any) -> str | None:
    usable = isinstance(value, str) and value.strip() and len(value) <= _LONGEST_SUBJECT
    return value if usable and _SUBJECT.fullmatch(value) else None


def _lower(value: Any) -> str | None:
    found = lenient_json.word(value)
    return found.lower() if found else None


def _content(value: Any) -> str | None:
    lowered = _lower(value)
    return "audioVideo" if lowered == "audiovideo" else lowered


def _ids_in(subject: str) -> _Ids:
    """The IDs, as far as the subject contains them.

    Split at the labels, not at slashes, because a serverCallId is base64 and may contain slashes.
    """
    start = _CALL.match(subject)
    if start is None:
        return _Ids()
    rest = subject[start.end() :].rstrip("/")
    recording = max(_RECORDING.finditer(rest), key=re.Match.start, default=None)
    recording_id = rest[recording.end() :] if recording else None
    rest = rest[: recording.start()] if recording else rest
    server = _SERVER.search(rest)
    server_call_id = rest[server.end() :] if server else None
    call_id = rest[: server.start()] if server else rest
    return _Ids(
        call_id=call_id or None,
        server_call_id=server_call_id or None,
        recording_id=lenient_json.identifier(recording_id),
    )
