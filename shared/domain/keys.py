"""Keys and names derived from ACS ids.

ACS ids contain characters that table keys and blob names forbid, and may be too long: a recordingId is base64 of JSON,
with up to hundreds of characters. A key is therefore a digest of the id, and the id is stored beside it as a property.
The same id always gives the same key, so a repeated event or job finds the existing record.
"""

import hashlib
import hmac
import re
from datetime import datetime

from shared.errors import InvalidRequest

# recordingIds are base64, standard or URL-safe. With other characters, the SDK might send another URL than it signed.
RECORDING_ID_PATTERN = r"[A-Za-z0-9+/=_-]{1,1024}"
_RECORDING_ID = re.compile(RECORDING_ID_PATTERN)
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY_HEX = 32  # 128 bits: two ids never have the same key in practice
# A digest gets a leading underscore. No safe name starts with one, so a digest can't be confused with an id.
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?<!\.)")


def key_of(identifier: str) -> str:
    """The key of an ACS id: 32 hexadecimal digits, safe in tables, blob names and logs."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:_KEY_HEX]


def call_key(server_call_id: str) -> str:
    """The key of a call. ACS sends a serverCallId, which is base64, with or without its padding."""
    return key_of(server_call_id.rstrip("="))


def unlinked_key(document_id: str) -> str:
    """The key of a recording whose id is unknown: it is derived from the recording's first document."""
    return key_of(f"unlinked:{document_id}")


def blob_stem(*, started_at: datetime, recording_key: str, index: int, document_id: str) -> str:
    """The name of a chunk's files in the archive, without the extension. It is unique for each chunk.

    The index alone isn't unique: after a failover, a recording has several files with the same index.
    """
    safe = document_id if _SAFE_NAME.fullmatch(document_id) else f"_{key_of(document_id)}"
    return f"{started_at:%Y/%m/%d}/{recording_key}/{index:04d}-{safe}"


def recording_key_of(recording: str) -> str:
    """The key of a recording, given its recordingId or its key. Raises InvalidRequest for anything else."""
    if not _RECORDING_ID.fullmatch(recording):
        raise InvalidRequest.of("recordingId", "must be the recordingId that the start returned, or the recording key")
    # A recordingId never looks like a key, because it is base64 of JSON.
    return recording if _KEY.fullmatch(recording) else key_of(recording)


def pseudonym_of(participant_id: str, secret: str) -> str:
    """A keyed digest of a participant's id, for tables. Without a key, guessed telephone numbers could be tested."""
    # JSON strings may contain lone surrogates, which plain UTF-8 refuses.
    normalized = participant_id.strip().lower().encode(errors="surrogatepass")
    return hmac.new(secret.encode(), normalized, hashlib.sha256).hexdigest()
