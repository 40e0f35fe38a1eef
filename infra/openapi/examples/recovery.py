"""Examples of an event that an operator submits, of the answer, and of the quarantine."""

from typing import Any

from infra.openapi.examples.ids import DOCUMENT_ID, RECORDING_ID, RECORDING_KEY, SERVER_CALL_ID

ACKNOWLEDGEMENT: dict[str, Any] = {"name": "A. Lovelace", "note": "ACS confirmed that the file never existed."}

EVENT: dict[str, Any] = {
    "id": "bf59843a-888f-47ca-8d1c-885c1f5e71dc",
    "topic": "/subscriptions/<id>/resourcegroups/<group>/providers/microsoft.communication/communicationservices/<acs>",
    "subject": f"/recording/call/<callId>/serverCallId/{SERVER_CALL_ID}=/recordingId/{RECORDING_ID}",
    "eventType": "Microsoft.Communication.RecordingFileStatusUpdated",
    "dataVersion": "1.0",
    "metadataVersion": "1",
    "eventTime": "2026-11-21T10:02:10Z",
    "data": {
        "recordingStorageInfo": {
            "recordingChunks": [
                {
                    "documentId": DOCUMENT_ID,
                    "index": 0,
                    "endReason": "SessionEnded",
                    "contentLocation": f"https://storage.asm.skype.com/v1/objects/{DOCUMENT_ID}/content/video",
                    "metadataLocation": f"https://storage.asm.skype.com/v1/objects/{DOCUMENT_ID}/content/acsmetadata",
                    "deleteLocation": f"https://storage.asm.skype.com/v1/objects/{DOCUMENT_ID}",
                }
            ]
        },
        "recordingStartTime": "2026-11-21T10:00:00Z",
        "recordingDurationMs": 60_000,
        "sessionEndReason": "CallEnded",
    },
}

SUBMITTED: dict[str, Any] = {
    "outcomes": ["queued"],
    "differing": [[]],
    "events": [
        {
            "id": EVENT["id"],
            "outcome": "queued",
            "reason": None,
            "quarantineName": None,
            "quarantineId": None,
            "differing": [],
        }
    ],
}
QUARANTINE: dict[str, Any] = {
    "entries": [
        {
            "name": f"{RECORDING_KEY}.json",
            "quarantineId": RECORDING_KEY,
            "kind": "event",
            "reason": "data.recordingStorageInfo.recordingChunks: contains no chunk",
            "receivedAt": "2026-11-21T10:02:10Z",
            "by": None,
            "eventId": EVENT["id"],
            "eventType": EVENT["eventType"],
            "size": 1210,
            "replayedAt": None,
        }
    ],
    "total": 1,
    "notReplayed": 1,
    "complete": True,
    "nextCursor": None,
}
