"""Examples of a callback and of the health checks."""

from typing import Any

from infra.openapi.examples.ids import RECORDING_ID, RECORDING_KEY, SERVER_CALL_ID

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
        "recordingKey": RECORDING_KEY,
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
    "detail": "ACS refused Callvault's credential: check ACS_CONNECTION_STRING, or the identity's role",
}
