"""Examples of starting a recording, of its state, and of its archive record."""

from typing import Any

from infra.openapi.examples.ids import (
    ARCHIVE_FOLDER,
    DOCUMENT_ID,
    METADATA_SHA256,
    PARTICIPANT_ID,
    RECORDING_ID,
    RECORDING_KEY,
    SERVER_CALL_ID,
    SHA256,
)

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
    "channelAffinity": [{"participantId": PARTICIPANT_ID, "channel": 0}],
    "correlation": "case 4711",
    "labels": {"team": "claims"},
    "consent": CONSENT,
}

STARTED: dict[str, Any] = {
    "recordingId": RECORDING_ID,
    "state": "active",
    "correlation": "case 4711",
    "labels": {"team": "claims"},
    "startId": None,
}

CHUNK: dict[str, Any] = {
    "documentId": DOCUMENT_ID,
    "index": 0,
    "sibling": False,
    "state": "released",
    "attempts": 1,
    "copied": None,
    "expected": None,
    "size": 1_920_044,
    "sha256": SHA256,
    "blobName": f"{ARCHIVE_FOLDER}/0000-{DOCUMENT_ID}.wav",
    "metadataSize": 1055,
    "metadataSha256": METADATA_SHA256,
    "metadataBlobName": f"{ARCHIVE_FOLDER}/0000-{DOCUMENT_ID}.metadata.json",
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
    "acknowledgedAt": None,
    "acknowledgedBy": None,
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
    "labels": {"team": "claims"},
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
    "recordingKey": RECORDING_KEY,
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
            "sha256": SHA256,
            "metadataBlobName": CHUNK["metadataBlobName"],
            "metadataSize": 1055,
            "metadataSha256": METADATA_SHA256,
            "archivedAt": "2026-11-21T10:02:12Z",
            "releasedAt": "2026-11-21T10:02:12Z",
            "startedAt": "2026-11-21T10:00:00Z",
            "durationMs": 55_000,
            "pauses": [{"startedAt": "2026-11-21T10:00:30Z", "durationMs": 5000}],
            "participants": [{"participantId": PARTICIPANT_ID, "channel": 0}],
        }
    ],
}
