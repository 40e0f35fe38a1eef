"""Identifiers in the formats of the real service, with the same alphabets and lengths.

A serverCallId is base64 of a conversation's URL, a recordingId is a long base64url of JSON, and a documentId contains a
storage region. All are random, so two simulators never create the same one.
"""

import base64
import json
import secrets
import time
import uuid

RESOURCE_ID = "5f1c6c14-0f9a-4c58-b2f1-1c4f6a8c9d27"
"""The immutable id of the simulated ACS resource, a part of each participant's id and each chunk's metadata."""

TOPIC = (
    "/subscriptions/3a9c7f52-8c55-4d0f-9d55-0f2f5a3f7f11/resourceGroups/callvault-local"
    "/providers/Microsoft.Communication/CommunicationServices/callvault"
)


def new_guid() -> str:
    return str(uuid.uuid4())


def new_server_call_id() -> str:
    """Base64 of a conversation URL, without a slash, because the id is a part of event subjects."""
    while True:
        conversation = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        host = f"conv-uswe-{secrets.randbelow(12) + 1:02d}.conv.skype.com"
        url = f"https://{host}/conv/{conversation}?i=10-60-{secrets.randbelow(32)}-{secrets.randbelow(256)}"
        encoded = base64.b64encode(f"{url}&e={time.time_ns() // 100 + 621355968000000000}".encode()).decode()
        if "/" not in encoded and "+" not in encoded:
            return encoded


def new_recording_id() -> str:
    fields = {
        "PlatformEndpointId": new_guid(),
        "ResourceSpecificId": new_guid(),
        "CallLocatorHash": secrets.token_hex(16),
    }
    return base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode().rstrip("=")


def recorder_of(recording_id: str) -> str:
    """The connection id of the recorder itself, which is a part of the recordingId."""
    fields = json.loads(base64.urlsafe_b64decode(recording_id + "=" * (-len(recording_id) % 4)))
    endpoint: str = fields["PlatformEndpointId"]
    return endpoint


def new_document_id() -> str:
    return f"0-{secrets.choice(('eus', 'wus', 'weu', 'neu'))}-d{secrets.randbelow(12) + 1}-{secrets.token_hex(16)}"


def new_participant_id() -> str:
    tail = secrets.token_hex(14)
    return f"8:acs:{RESOURCE_ID}_0000000{tail[0]}-{tail[1:5]}-{tail[5:9]}-{tail[9:13]}-{tail[13:25]}"


def new_room_id() -> str:
    return "99" + "".join(secrets.choice("0123456789") for _ in range(15))


def is_base64(text: str) -> bool:
    """Whether ACS accepts the text as base64. A serverCallId is base64, a callId with its dashes isn't.

    ACS also issues serverCallIds without padding.
    """
    try:
        base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except ValueError:
        return False
    return bool(text)
