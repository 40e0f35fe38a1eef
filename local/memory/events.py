"""The event in which ACS reports a recording's files, as Event Grid delivers it."""

from collections.abc import Iterable
from typing import Any

HOST = "https://storage.asm.skype.com/v1/objects"
DELETE_HOST = "https://us-storage.asm.skype.com/v1/objects"
SERVER_CALL_ID = "aHR0cHM6Ly9jb252LnNreXBlLmNvbS9jb252L2NhbGw="


def files_reported(
    recording_id: str, document_ids: Iterable[str], *, server_call_id: str, started: str, at: str
) -> dict[str, Any]:
    """`started` and `at`, the time of the event, are in ACS's format: 2026-11-21T09:05:28.1234567Z."""
    chunks = [
        {
            "documentId": name,
            "index": index,
            "endReason": "SessionEnded",
            "contentLocation": f"{HOST}/{name}/content/audio",
            "metadataLocation": f"{HOST}/{name}/content/acsmetadata",
            "deleteLocation": f"{DELETE_HOST}/{name}",
        }
        for index, name in enumerate(document_ids)
    ]
    return {
        "id": f"event-{recording_id}",
        "topic": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Communication/CommunicationServices/contoso",
        "subject": f"/recording/call/call-{recording_id}/serverCallId/{server_call_id}/recordingId/{recording_id}",
        "data": {
            "recordingStorageInfo": {"recordingChunks": chunks},
            "recordingStartTime": started,
            "recordingDurationMs": 62314,
            "recordingContentType": "Audio",
            "recordingChannelType": "Mixed",
            "recordingFormatType": "Wav",
            "sessionEndReason": "CallEnded",
        },
        "eventType": "Microsoft.Communication.RecordingFileStatusUpdated",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": at,
    }
