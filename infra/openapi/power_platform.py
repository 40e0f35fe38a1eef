"""What Power Platform and Logic Apps show of operations and their fields: a title, and how prominent each one is.

`x-ms-summary` is the title of a field, `x-ms-visibility` one of important (always shown), none (shown), advanced (shown
on request) and internal (hidden). Source: https://learn.microsoft.com/connectors/custom-connectors/openapi-extensions
"""

import re
from collections.abc import Mapping
from typing import Any

type Json = dict[str, Any]

_IMPORTANT = frozenset({"recordingId", "serverCallId", "content", "format", "state", "body"})
_ADVANCED = frozenset(
    {
        "callId",
        "channelAffinity",
        "cursor",
        "disposition",
        "Idempotency-Key",
        "kind",
        "participantOrdering",
        "Prefer",
        "redirect",
        "stateCallbackUrl",
        "X-Participant-Id",
    }
)
_OPERATIONS: Mapping[str, str] = {
    "start_recording": "important",
    "stop_recording": "important",
    "get_archive": "important",
    "list_recordings": "important",
    "submit_events": "advanced",
    "list_quarantine": "advanced",
    "replay_quarantined": "advanced",
    "get_openapi": "internal",
    "get_swagger": "internal",
}
_ACRONYMS = {"id": "ID", "url": "URL", "acs": "ACS", "sha256": "SHA-256", "ms": "(ms)"}
_TITLES = {"X-Participant-Id": "Participant", "from": "First day", "to": "Last day", "body": "Request"}


def title_of(name: str) -> str:
    """`serverCallId` becomes "Server call ID"."""
    if name in _TITLES:
        return _TITLES[name]
    words = (word[0].lower() for word in re.finditer(r"[A-Z]?[a-z0-9]+", name))
    title = " ".join(_ACRONYMS.get(word, word) for word in words)
    return title[:1].upper() + title[1:]


def of_field(name: str) -> Json:
    """The extensions of a parameter or of a property."""
    visibility = "important" if name in _IMPORTANT else "advanced" if name in _ADVANCED else None
    return {"x-ms-summary": title_of(name)} | ({} if visibility is None else {"x-ms-visibility": visibility})


def of_operation(operation_id: str) -> Json:
    visibility = _OPERATIONS.get(operation_id)
    return {} if visibility is None else {"x-ms-visibility": visibility}
