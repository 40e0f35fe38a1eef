"""A chunk's metadata JSON, read leniently: what is archived is always the bytes as they came.

Real ones differ in casing (`framerate`), carry extra fields and have swapped contentType and channelType, so nothing
is asked of them but that they are a JSON object, and of the right chunk where they say which.
"""

import json
from typing import Any

from shared.errors import SourceIncomplete


def check_metadata(body: bytes, *, document_id: str) -> None:
    """Raises SourceIncomplete unless `body` is a JSON object that doesn't name another chunk."""
    try:
        parsed: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceIncomplete("the metadata is not JSON") from None
    if not isinstance(parsed, dict):
        raise SourceIncomplete("the metadata is not a JSON object")
    named = {key.lower(): value for key, value in parsed.items()}.get("chunkdocumentid", document_id)
    if named and str(named).lower() != document_id.lower():
        raise SourceIncomplete("the metadata names another chunk")
