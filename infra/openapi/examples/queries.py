"""Examples of a timeline, a list of recordings, the summary and a download link."""

from typing import Any

from infra.openapi.examples.ids import DOCUMENT_ID, PARTICIPANT_ID, RECORDING_ID, RECORDING_KEY, SERVER_CALL_ID
from infra.openapi.examples.recordings import CHUNK

TIMELINE: dict[str, Any] = {
    "chunks": [
        {
            "documentId": DOCUMENT_ID,
            "index": 0,
            "state": "released",
            "startedAt": "2026-11-21T10:00:00Z",
            "durationMs": 55_000,
            "pauses": [{"startedAt": "2026-11-21T10:00:30Z", "durationMs": 5000}],
            "participants": [{"participantId": PARTICIPANT_ID, "channel": 0}],
        }
    ]
}

LISTED: dict[str, Any] = {
    "recordingId": RECORDING_ID,
    "recordingKey": RECORDING_KEY,
    "state": "archived",
    "listedAt": "2026-11-21T09:59:59Z",
    "correlation": "case 4711",
    "labels": {"team": "claims"},
    "serverCallId": SERVER_CALL_ID + "=",
    "callId": None,
    "callConnectionId": None,
    "content": "audio",
    "channel": "unmixed",
    "format": "wav",
    "unlinked": False,
    "durationMs": 60_000,
    "participants": 2,
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
    "checkedAt": "2026-11-21T10:02:41Z",
    "checks": [
        {
            "name": "quarantine",
            "ok": False,
            "severity": "warning",
            "reason": "items-quarantined",
            "detail": "1 event could not be processed: …",
            "runbook": "event-quarantined",
        }
    ],
    "open": {
        "items": 2,
        "complete": True,
        "examined": 2,
        "chunksLeftOut": 0,
        "chunks": {"copying": 1},
        "recordings": {"active": 1},
        "waiting": [],
        "oldest": {
            "recordingId": RECORDING_ID,
            "recordingKey": RECORDING_KEY,
            "correlation": "case 4711",
            "labels": {},
            "startedAt": "2026-11-21T09:05:28.123456Z",
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
    "fileName": "20261121T100000Z-team-claims-0000-unmixed-0d4c2b1a.wav",
    "contentType": "audio/wav",
    "size": CHUNK["size"],
}
