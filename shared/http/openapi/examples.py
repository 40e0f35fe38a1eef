"""Examples for the documents. Tests validate each against its model, so that none can go stale."""

from typing import Any

RECORDING_ID = "eyJQbGF0Zm9ybUVuZHBvaW50SWQiOiI0MTFmNmQwMCIsIlJlc291cmNlU3BlY2lmaWNJZCI6IjljMWUifQ"
DOCUMENT_ID = "0-weu-d5-0b3f9c1e7a2d4c55"
SERVER_CALL_ID = "aHR0cHM6Ly9hcGkuZmxpZ2h0cHJveHkuc2t5cGUuY29tL2FwaS92Mi9jcC9jb252LTQ3MTE"
_FOLDER = "2026/11/21/5f2b8d0c9e7a4f6d8b1c3e5a7092d4f6"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_METADATA_SHA256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
_PARTICIPANT = "8:acs:411f6d00-0782-4bc2-8a27-9c33e3e0c9c1_00000024-aaaa-bbbb-cccc-000000000001"

CONSENT: dict[str, Any] = {
    "basis": "consent",
    "reference": "ticket 4711",
    "obtainedAt": "2026-11-21T09:00:00Z",
}

START: dict[str, Any] = {
    "serverCallId": SERVER_CALL_ID + "=",
    "content": "audio",
    "channel": "unmixed",
    "format": "wav",
    "channelAffinity": [{"participantId": _PARTICIPANT, "channel": 0}],
    "correlation": "case 4711",
    "consent": CONSENT,
}

STARTED: dict[str, Any] = {"recordingId": RECORDING_ID, "state": "active", "correlation": "case 4711", "startId": None}

CHUNK: dict[str, Any] = {
    "documentId": DOCUMENT_ID,
    "index": 0,
    "sibling": False,
    "state": "released",
    "attempts": 1,
    "copied": None,
    "expected": None,
    "size": 1_920_044,
    "sha256": _SHA256,
    "blobName": f"{_FOLDER}/0000-{DOCUMENT_ID}.wav",
    "metadataSize": 1055,
    "metadataSha256": _METADATA_SHA256,
    "metadataBlobName": f"{_FOLDER}/0000-{DOCUMENT_ID}.metadata.json",
    "endReason": "SessionEnded",
    "eventTime": "2026-11-21T10:02:10Z",
    "deadline": "2026-11-22T10:02:10Z",
    "pendingAt": "2026-11-21T10:02:11Z",
    "copyingAt": "2026-11-21T10:02:11Z",
    "archivedAt": "2026-11-21T10:02:12Z",
    "releasedAt": "2026-11-21T10:02:12Z",
    "failedAt": None,
    "lostAt": None,
    "expiredAt": None,
    "removedAt": None,
    "missing": None,
    "nextAttemptAt": None,
    "rescues": 0,
    "escalated": None,
    "fault": None,
    "reason": None,
    "detail": None,
}

_RECORDING: dict[str, Any] = {
    "recordingId": RECORDING_ID,
    "correlation": "case 4711",
    "serverCallId": SERVER_CALL_ID + "=",
    "content": "audio",
    "channel": "unmixed",
    "format": "wav",
    "startedAt": "2026-11-21T10:00:00Z",
    "stoppedAt": "2026-11-21T10:01:00Z",
    "durationMs": 60_000,
    "sessionEndReason": "CallEnded",
    "consent": CONSENT,
    "archiveContainer": "recordings",
}

RECORDING: dict[str, Any] = _RECORDING | {
    "recordingKey": "5f2b8d0c9e7a4f6d8b1c3e5a7092d4f6",
    "state": "archived",
    "acsState": "unknown",
    "unlinked": False,
    "callConnectionId": None,
    "groupCallId": None,
    "roomId": None,
    "requestedAt": "2026-11-21T09:59:59Z",
    "pausedAt": None,
    "resumedAt": None,
    "announcedAt": "2026-11-21T10:02:10Z",
    "overdueAt": None,
    "failedAt": None,
    "failure": None,
    "chunks": [CHUNK],
    "history": [{"at": "2026-11-21T09:59:59Z", "action": "start", "by": "function key", "details": CONSENT}],
}

AWAITED: dict[str, Any] = {"recordingId": RECORDING_ID, "waitingFor": "chunks", "chunks": 3, "safe": 1}

ARCHIVE_RECORD: dict[str, Any] = _RECORDING | {
    "state": "archived",
    "size": CHUNK["size"],
    "chunks": [
        {
            "documentId": DOCUMENT_ID,
            "index": 0,
            "sibling": False,
            "state": "released",
            "endReason": "SessionEnded",
            "blobName": CHUNK["blobName"],
            "blobUrl": f"https://contoso.blob.core.windows.net/recordings/{CHUNK['blobName']}",
            "size": CHUNK["size"],
            "sha256": _SHA256,
            "metadataBlobName": CHUNK["metadataBlobName"],
            "metadataSize": 1055,
            "metadataSha256": _METADATA_SHA256,
            "archivedAt": "2026-11-21T10:02:12Z",
            "releasedAt": "2026-11-21T10:02:12Z",
            "startedAt": "2026-11-21T10:00:00Z",
            "durationMs": 55_000,
            "pauses": [{"startedAt": "2026-11-21T10:00:30Z", "durationMs": 5000}],
            "participants": [{"participantId": _PARTICIPANT, "channel": 0}],
        }
    ],
}

TIMELINE: dict[str, Any] = {
    "chunks": [
        {
            "documentId": DOCUMENT_ID,
            "index": 0,
            "state": "released",
            "startedAt": "2026-11-21T10:00:00Z",
            "durationMs": 55_000,
            "pauses": [{"startedAt": "2026-11-21T10:00:30Z", "durationMs": 5000}],
            "participants": [{"participantId": _PARTICIPANT, "channel": 0}],
        }
    ]
}

LISTED: dict[str, Any] = {
    "recordingId": RECORDING_ID,
    "recordingKey": "5f2b8d0c9e7a4f6d8b1c3e5a7092d4f6",
    "state": "archived",
    "listedAt": "2026-11-21T09:59:59Z",
    "correlation": "case 4711",
    "serverCallId": SERVER_CALL_ID + "=",
    "callId": None,
    "callConnectionId": None,
    "content": "audio",
    "channel": "unmixed",
    "format": "wav",
    "unlinked": False,
    "durationMs": 60_000,
    "size": CHUNK["size"],
    "chunks": {"released": 1},
    "deadline": None,
    "trouble": [],
}

_TALLY: dict[str, Any] = {
    "safe": 1,
    "size": CHUNK["size"],
    "failed": 0,
    "lost": 0,
    "meanSecondsToSafe": 2.1,
    "longestSecondsToSafe": 2.1,
}

SUMMARY: dict[str, Any] = {
    "at": "2026-11-21T10:03:00Z",
    "open": {
        "items": 2,
        "complete": True,
        "lookedAt": 2,
        "chunksLeftOut": 0,
        "chunks": {"copying": 1},
        "recordings": {"active": 1},
        "oldest": {
            "recordingId": RECORDING_ID,
            "recordingKey": "5f2b8d0c9e7a4f6d8b1c3e5a7092d4f6",
            "documentId": "0-weu-d5-1c2d3e4f5a6b7c8d",
            "index": 1,
            "state": "copying",
            "attempts": 1,
            "copied": 8_388_608,
            "expected": 52_428_800,
            "deadline": "2026-11-22T10:02:40Z",
            "secondsLeft": 86_380.0,
            "reason": None,
        },
    },
    "trouble": {"recordings": [], "more": False},
    "unreadable": 0,
    "lastDay": _TALLY
    | {
        "timeToSafe": [{"upToSeconds": 5.0, "chunks": 1}, {"upToSeconds": None, "chunks": 0}],
        "buckets": [_TALLY | {"start": "2026-11-21T10:00:00Z", "minutes": 15}],
    },
}

LINK: dict[str, Any] = {
    "url": f"https://contoso.blob.core.windows.net/recordings/{CHUNK['blobName']}?sp=r&sig=…",
    "expiresAt": "2026-11-21T10:18:00Z",
    "fileName": "20261121T100000Z-5f2b8d0c-0d4c2b1a-0000.wav",
    "contentType": "audio/wav",
    "size": CHUNK["size"],
}

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

CALLBACK: dict[str, Any] = {
    "id": "0b1f5c7e-9d3a-4f0e-8a51-2c6b7d8e9f10",
    "source": "calling/callConnections/411f6d00-1d3f-425b-9d7d-df971f16564b",
    "type": "Microsoft.Communication.RecordingStateChanged",
    "specversion": "1.0",
    "time": "2026-11-21T10:01:00Z",
    "data": {"recordingId": RECORDING_ID, "state": "inactive", "serverCallId": SERVER_CALL_ID + "="},
}

HEALTH: dict[str, Any] = {
    "status": "ok",
    "at": "2026-11-21T10:03:00Z",
    "checks": [{"name": "acs", "ok": True, "reason": None, "detail": None}],
    "oldestOpen": {
        "recordingKey": "5f2b8d0c9e7a4f6d8b1c3e5a7092d4f6",
        "chunkKey": "0d4c2b1a9f8e7d6c5b4a39281706f5e4",
        "state": "copying",
        "ageSeconds": 50.0,
        "secondsLeft": 86_350.0,
    },
}

DANGER: dict[str, Any] = {
    "name": "acs",
    "ok": False,
    "reason": "acs-credential-refused",
    "detail": "ACS refused our credential: check ACS_CONNECTION_STRING, or the identity's role",
}
