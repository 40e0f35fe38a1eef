"""Identifiers shaped like those of the real service: same alphabets, same lengths, same traps.

A serverCallId is base64 of a conversation's URL, a recordingId is a long base64url of JSON, a documentId names a
storage region. All are random, so that no two simulators ever hand out the same one.
"""

import base64
import json
import secrets
import time
import uuid

RESOURCE_ID = "5f1c6c14-0f9a-4c58-b2f1-1c4f6a8c9d27"
"""Immutable id of the simulated ACS resource: part of every participant's id and of every chunk's metadata."""

TOPIC = (
    "/subscriptions/3a9c7f52-8c55-4d0f-9d55-0f2f5a3f7f11/resourceGroups/callvault-local"
    "/providers/Microsoft.Communication/CommunicationServices/callvault"
)


def new_guid() -> str:
    return str(uuid.uuid4())


def new_server_call_id() -> str:
    """Base64 of a conversation URL; drawn again until it has no slash, which real subjects can't carry either."""
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
    """The connection of the recorder itself, which is part of a recordingId."""
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
    """Whether ACS would take the text for base64, which a serverCallId is and a callId (with its dashes) is not.

    ACS hands out serverCallIds without padding, too.
    """
    try:
        base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except ValueError:
        return False
    return bool(text)
