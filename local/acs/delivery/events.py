"""The events that ACS publishes to Event Grid, in the formats of several years."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.acs.calls.calls import Call, CallTraits
from local.acs.certificates import DELETE_HOST
from local.acs.faults import oddities
from local.acs.identifiers import TOPIC, new_document_id, new_guid
from local.acs.media.documents import Document
from local.acs.times import NO_TIME, acs_time, now

FILE_STATUS_UPDATED = "Microsoft.Communication.RecordingFileStatusUpdated"
CALL_STARTED = "Microsoft.Communication.CallStarted"
CALL_ENDED = "Microsoft.Communication.CallEnded"

Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FinishedRecording:
    call_id: str
    server_call_id: str
    recording_id: str
    traits: CallTraits
    started: datetime
    duration_ms: int
    content_type: str
    channel_type: str
    media_format: str
    session_end_reason: str
    documents: Sequence[Document]
    number: int
    """Selects the oddities of the event. See local.acs.faults.oddities."""


def file_status_updated(finished: FinishedRecording) -> Event:
    traits = finished.traits
    chunks = _chunks(finished)
    if traits.shuffle:
        random.shuffle(chunks)
    no_time = traits.oddities and oddities.has_no_start_time(finished.number)
    data: dict[str, Any] = {
        "recordingStorageInfo": {"recordingChunks": chunks},
        "recordingStartTime": NO_TIME if no_time else acs_time(finished.started),
        "recordingDurationMs": finished.duration_ms,
        "sessionEndReason": finished.session_end_reason,
    }
    if not traits.omit_types and traits.vintage not in ("2021-04", "2021-noDelete"):
        data |= {
            "recordingContentType": _pascal(finished.content_type),
            "recordingChannelType": _pascal(finished.channel_type),
            "recordingFormatType": _pascal(finished.media_format),
        }
    if traits.vintage == "byos" or any(document.container for document in finished.documents):
        data |= {"storageType": "AzureBlob", "recordingId": finished.recording_id}
    if traits.vintage == "typedClient":
        data |= _DEFAULTS
    event = _event(FILE_STATUS_UPDATED, _subject(finished), data)
    return _as_cloud_event(event) if traits.vintage == "cloudEvents" else event


def type_of(event: Event) -> Any:
    """The type of an event in either schema."""
    return event.get("eventType", event.get("type"))


_DEFAULTS = {
    "recordingStartTime": "0001-01-01T00:00:00",
    "recordingDurationMs": 0,
    "recordingContentType": 1,
    "recordingChannelType": 0,
    "recordingFormatType": 2,
    "sessionEndReason": "",
}
"""The values that a typed client writes for unknown fields: no time, 0, and numbers instead of words."""


def _chunks(finished: FinishedRecording) -> list[dict[str, Any]]:
    chunks = [document.as_chunk() for document in finished.documents]
    match finished.traits.vintage:
        case "2021-noDelete":
            return [_without(chunk, "deleteLocation") for chunk in chunks]
        case "2021-04":
            return [{"documentId": chunk["documentId"]} for chunk in chunks]
        case "sample":
            # As in Microsoft's published sample: each deleteLocation belongs to another document.
            elsewhere = [*[chunk["deleteLocation"] for chunk in chunks[1:]], _delete_location_of_nobody()]
            return [chunk | {"deleteLocation": other} for chunk, other in zip(chunks, elsewhere, strict=True)]
        case "typedClient":
            return [chunk | {"endReason": ""} for chunk in chunks]
        case _:
            return chunks


def _without(chunk: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in chunk.items() if key != name}


def _delete_location_of_nobody() -> str:
    return f"https://{DELETE_HOST}/v1/objects/{new_document_id()}"


def _as_cloud_event(event: Event) -> Event:
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "data": event["data"],
    }


def call_started(call: Call) -> Event:
    return _event(CALL_STARTED, f"call/{call.server_call_id}/startedBy/{_first(call)}", _call_data(call, "startedBy"))


def call_ended(call: Call) -> Event:
    ended = call.ended_at or now()
    data = _call_data(call, "endedBy") | {"durationOfCall": (ended - call.started_at).total_seconds()}
    return _event(CALL_ENDED, f"call/{call.server_call_id}/endedBy/{_first(call)}", data)


def _subject(finished: FinishedRecording) -> str:
    call = f"/recording/call/{finished.call_id}"
    match finished.traits.vintage:
        case "2023":
            return f"{call}/recordingId/{finished.recording_id}"
        case "2021" | "2021-04":
            return call
        case "2021-serverCallId":
            return f"{call}/serverCallId/{finished.server_call_id}"
        case _:
            return f"{call}/serverCallId/{finished.server_call_id}/recordingId/{finished.recording_id}"


def _call_data(call: Call, actor: str) -> dict[str, Any]:
    identifier = {"rawId": _first(call), "communicationUser": {"id": _first(call)}}
    data: dict[str, Any] = {
        actor: {"communicationIdentifier": identifier, "role": "unknown"},
        "serverCallId": call.server_call_id,
        "isTwoParty": call.traits.kind == "twoParty",
        "isRoomsCall": call.traits.kind == "room",
        "correlationId": call.correlation_id,
    }
    if call.group_call_id:
        data["group"] = {"id": call.group_call_id}
    if call.room_id:
        data["room"] = {"id": call.room_id}
    return data


def _first(call: Call) -> str:
    return call.heard[0].participant_id if call.heard else "unknown"


def _event(event_type: str, subject: str, data: dict[str, Any]) -> Event:
    return {
        "id": new_guid(),
        "topic": TOPIC,
        "subject": subject,
        "data": data,
        "eventType": event_type,
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": acs_time(now()),
    }


def _pascal(word: str) -> str:
    return word[:1].upper() + word[1:]
