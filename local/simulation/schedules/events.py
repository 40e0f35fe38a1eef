"""The events that Event Grid delivers about a recording's files, as ACS publishes them."""

from datetime import timedelta
from typing import Any

from local.simulation.world.cluster import BEGIN
from local.simulation.world.sources import DELETE_HOST, HOST, Source

_SERVER_CALL = "aHR0cHM6Ly9jb252LnNreXBlLmNvbS9jb252L2NhbGw="


def event_of(
    recording_id: str, sources: tuple[Source, ...], at: float, server_call_id: str = _SERVER_CALL
) -> dict[str, Any]:
    chunks = [
        {
            "documentId": one.document_id,
            "index": index,
            "endReason": "SessionEnded",
            "contentLocation": f"{HOST}/{one.document_id}/content/audio",
            "metadataLocation": f"{HOST}/{one.document_id}/content/acsmetadata",
            "deleteLocation": f"{DELETE_HOST}/{one.document_id}",
        }
        for index, one in enumerate(sources)
    ]
    when = f"{BEGIN + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S.%f}0Z"
    return {
        "id": f"event-{recording_id}",
        "topic": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Communication/CommunicationServices/contoso",
        "subject": f"/recording/call/call-{recording_id}/serverCallId/{server_call_id}/recordingId/{recording_id}",
        "data": {
            "recordingStorageInfo": {"recordingChunks": chunks},
            "recordingStartTime": when,
            "recordingDurationMs": 62314,
            "recordingContentType": "Audio",
            "recordingChannelType": "Mixed",
            "recordingFormatType": "Wav",
            "sessionEndReason": "CallEnded",
        },
        "eventType": "Microsoft.Communication.RecordingFileStatusUpdated",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": when,
    }
