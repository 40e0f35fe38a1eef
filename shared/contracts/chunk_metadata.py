"""Parses a chunk's metadata JSON leniently. The archived file always has the original bytes.

Real files differ in casing (`framerate`), have extra fields, and have contentType and channelType swapped. So they only
need to be a JSON object with at least one known field, and must not name another chunk.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.contracts import lenient_json
from shared.contracts.lenient_json import Members
from shared.errors import SourceUnproven

MOST_BYTES = 4 * 1024 * 1024  # of a metadata file; real files have 1,000 to 2,000
_DOCUMENT_ID = "chunkdocumentid"
_KNOWN = frozenset(
    {
        *("resourceid", "callid", _DOCUMENT_ID, "chunkindex", "chunkstarttime", "chunkduration"),
        *("pauseresumeintervals", "recordinginfo", "participants"),
    }
)

_LONGEST_MS = 10**12  # thirty years
_MOST_CHANNELS = 1000


def check_metadata(body: bytes, *, document_id: str) -> None:
    """Raises SourceUnproven unless `body` is a JSON object with a known field and no other chunk's documentId.

    Numbers are parsed as text, because an odd number doesn't make this another file.
    """
    try:
        parsed: Any = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise SourceUnproven("the metadata isn't JSON") from None
    if not isinstance(parsed, dict):
        raise SourceUnproven("the metadata isn't a JSON object")
    texts = {(key.lower(), value) for key, value in parsed.items() if isinstance(value, str) and value.strip()}
    known = {key.lower() for key, value in parsed.items() if value not in (None, "")}
    if not known & _KNOWN:
        raise SourceUnproven("the metadata has none of the known fields of chunk metadata")
    if any(key == _DOCUMENT_ID and value.strip().lower() != document_id.lower() for key, value in texts):
        raise SourceUnproven("the metadata names another chunk")


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Pause(_Facts):
    """A period in which nothing was recorded. The duration is unknown until the pause ends."""

    started_at: datetime
    duration_ms: int | None = None


class Participant(_Facts):
    """Personal data: only for answers to authorized callers, never stored."""

    participant_id: str
    channel: int | None = None


class ChunkFacts(_Facts):
    """Facts about the recorded media, from ACS's metadata. None: missing or ambiguous."""

    started_at: datetime | None = None
    duration_ms: int | None = None
    pauses: tuple[Pause, ...] | None = None
    participants: tuple[Participant, ...] | None = None


def read_facts(body: bytes) -> ChunkFacts | None:
    """The facts in a metadata file, each parsed independently; None if the file isn't a JSON object."""
    try:
        parsed = lenient_json.parse(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    facts = Members(parsed)
    return ChunkFacts(
        started_at=facts.read("chunkStartTime", lenient_json.moment),
        duration_ms=facts.read("chunkDuration", _milliseconds),
        pauses=_all_of(facts, "pauseResumeIntervals", _pause),
        participants=_all_of(facts, "participants", _participant),
    )


def read_participants(body: bytes) -> frozenset[str]:
    """Raw IDs of all participants in the file, even if other fields are invalid."""
    facts = read_facts(body)
    return frozenset(one.participant_id for one in (facts.participants if facts else None) or ())


def _all_of[T](facts: Members, name: str, convert: Callable[[Members], T | None]) -> tuple[T, ...] | None:
    """The valid entries of a list; None if there is no list, or none of its entries is valid."""
    entries = facts.read(name, lambda value: value if isinstance(value, list) else None)
    if entries is None:
        return None
    read = [convert(facts.at(number, name, entry)) for number, entry in enumerate(entries)]
    found = tuple(one for one in read if one is not None)
    return found if found or not entries else None


def _pause(members: Members) -> Pause | None:
    started_at = members.read("startTime", lenient_json.moment)
    if started_at is None:
        return None
    return Pause(started_at=started_at, duration_ms=members.read("duration", _milliseconds))


def _participant(members: Members) -> Participant | None:
    participant_id = members.read("participantId", _raw_id)
    if participant_id is None:
        return None
    return Participant(
        participant_id=participant_id, channel=members.read("channel", lenient_json.up_to(_MOST_CHANNELS))
    )


def _raw_id(value: Any) -> str | None:
    """Any text that UTF-8 can encode: lone surrogates can't be returned or searched for."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _milliseconds(value: Any) -> int | None:
    """Rounded, because ACS sometimes writes fractions."""
    number = lenient_json.number(value)
    return round(number) if number is not None and 0 <= number <= _LONGEST_MS else None
