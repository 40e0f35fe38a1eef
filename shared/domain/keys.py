"""Keys and names derived from the ids that ACS gives.

Table keys and blob names forbid characters and lengths that those ids have (a recordingId is base64 of JSON and may
be hundreds of characters long), so a key is a digest of the id, and the id itself is kept beside it as a property.
The same id always gives the same key: that is what makes a repeated event or job meet the record it made before.
"""

import hashlib
import hmac
import re
from datetime import datetime

from shared.errors import InvalidRequest

# ACS's recordingIds are base64, of either alphabet; else a path might be written otherwise than it was signed.
RECORDING_ID_PATTERN = r"[A-Za-z0-9+/=_-]{1,1024}"
_RECORDING_ID = re.compile(RECORDING_ID_PATTERN)
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY_HEX = 32  # 128 bits: two ids of one tenant will never share a key
# No safe name starts with the underscore that marks a digest, so a digest is never taken for an id.
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?<!\.)")


def key_of(identifier: str) -> str:
    """The key of an ACS id: 32 hexadecimal digits, safe in tables, blob names and logs."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:_KEY_HEX]


def call_key(server_call_id: str) -> str:
    """The key of a call. A serverCallId is base64, and comes with its padding or without."""
    return key_of(server_call_id.rstrip("="))


def unlinked_key(document_id: str) -> str:
    """The key of a recording that no event and no ledger names: it is called after its first chunk."""
    return key_of(f"unlinked:{document_id}")


def blob_stem(*, started_at: datetime, recording_key: str, index: int, document_id: str) -> str:
    """The archive's name for a chunk, without its extension; two chunks never share one.

    `index` alone would not do: after a failover one recording has several files of the same index.
    """
    safe = document_id if _SAFE_NAME.fullmatch(document_id) else f"_{key_of(document_id)}"
    return f"{started_at:%Y/%m/%d}/{recording_key}/{index:04d}-{safe}"


def recording_key_of(named: str) -> str:
    """The key of a recording that is named by its recordingId or its key. Raises InvalidRequest for any other name."""
    if not _RECORDING_ID.fullmatch(named):
        raise InvalidRequest.of("recordingId", "must be the recordingId that starting the recording gave, or its key")
    return named if _KEY.fullmatch(named) else key_of(named)  # no recordingId is a key: those are base64 of JSON


def pseudonym_of(participant_id: str, secret: str) -> str:
    """What a participant is called in tables: a keyed digest, for a guessed telephone number could be tested else."""
    told = participant_id.strip().lower().encode(errors="surrogatepass")  # JSON can hold what UTF-8 can't
    return hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()
