"""Names of downloaded files: readable, unique for each file, and safe on every system.

        20261121T090000Z-case-4711-0001-mixed-1a2b3c4d.mp3
        start of the media, label or correlation, index of the chunk, channel, part of the chunk's key

Texts of callers and of ACS are reduced to letters, digits, dots, underscores and hyphens. So a name has no path, no
quote, no line break and no second extension at its end, and isn't reserved by Windows, because it begins with a time.
"""

import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import quote

_LONGEST_TEXT = 60  # characters of a caller's text
_UNSAFE = re.compile(r"[^\w.-]+")
_REPEATED = re.compile(r"[.-]{2,}")


def stem_of(*, began: datetime, text: str | None, index: int, channel: str | None, chunk_key: str) -> str:
    """The name of a chunk's files without their extension. `text`: the recording's first label, or its correlation."""
    parts = (f"{began.astimezone(UTC):%Y%m%dT%H%M%SZ}", _safe(text or ""), f"{index:04d}", _safe(channel or ""))
    return "-".join(filter(None, (*parts, chunk_key[:8])))


def disposition_of(kind: str, file_name: str) -> str:
    """The value of a Content-Disposition header (RFC 6266): the name in ASCII, and in UTF-8 if it differs."""
    letters = unicodedata.normalize("NFKD", file_name).encode("ascii", errors="ignore").decode()
    plain = _REPEATED.sub("-", _UNSAFE.sub("-", letters))
    encoded = "" if plain == file_name else f"; filename*=UTF-8''{quote(file_name, safe='')}"
    return f'{kind}; filename="{plain}"{encoded}'


def _safe(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return _REPEATED.sub("-", _UNSAFE.sub("-", composed)[:_LONGEST_TEXT]).strip(".-_")
