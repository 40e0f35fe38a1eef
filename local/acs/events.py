"""The events ACS hands to Event Grid, in the shapes it has given them over the years."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.acs.calls import Call, CallTraits
from local.acs.documents import Document
from local.acs.identifiers import TOPIC, new_guid
from local.acs.moments import acs_time, now

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


def file_status_updated(finished: FinishedRecording) -> Event:
    chunks = [document.as_chunk() for document in finished.documents]
    if finished.traits.shuffle:
        random.shuffle(chunks)
    data: dict[str, Any] = {
        "recordingStorageInfo": {"recordingChunks": chunks},
        "recordingStartTime": acs_time(finished.started),
        "recordingDurationMs": finished.duration_ms,
        "sessionEndReason": finished.session_end_reason,
    }
    if not finished.traits.omit_types:
        data |= {
            "recordingContentType": _pascal(finished.content_type),
            "recordingChannelType": _pascal(finished.channel_type),
            "recordingFormatType": _pascal(finished.media_format),
        }
    if any(document.container for document in finished.documents):
        data |= {"storageType": "AzureBlob", "recordingId": finished.recording_id}
    return _event(FILE_STATUS_UPDATED, _subject(finished), data)


def call_started(call: Call) -> Event:
    return _event(CALL_STARTED, f"call/{call.server_call_id}/startedBy/{_first(call)}", _call_data(call, "startedBy"))


def call_ended(call: Call) -> Event:
    ended = call.ended_at or now()
    data = _call_data(call, "endedBy") | {"durationOfCall": (ended - call.started_at).total_seconds()}
    return _event(CALL_ENDED, f"call/{call.server_call_id}/endedBy/{_first(call)}", data)


def _subject(finished: FinishedRecording) -> str:
    call = f"/recording/call/{finished.call_id}"
    match finished.traits.vintage:
        case "current":
            return f"{call}/serverCallId/{finished.server_call_id}/recordingId/{finished.recording_id}"
        case "2023":
            return f"{call}/recordingId/{finished.recording_id}"
        case "2021":
            return call
        case "2021-serverCallId":
            return f"{call}/serverCallId/{finished.server_call_id}"


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
