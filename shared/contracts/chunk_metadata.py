"""A chunk's metadata JSON, read leniently: what is archived is always the bytes as they came.

Real ones differ in casing (`framerate`), carry extra fields and have swapped contentType and channelType. So they must
only be a JSON object that has something which metadata have, and that names no other chunk.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.contracts import lenient
from shared.contracts.lenient import Members
from shared.errors import SourceUnproven

MOST_BYTES = 4 * 1024 * 1024  # of a metadata file; real ones have one or two thousand
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
    """Raises SourceUnproven unless `body` is a JSON object with a known field, and doesn't name another chunk.

    Numbers are taken as text: their size and form say nothing about whether this is the chunk's file.
    """
    try:
        parsed: Any = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise SourceUnproven("the metadata is not JSON") from None
    if not isinstance(parsed, dict):
        raise SourceUnproven("the metadata is not a JSON object")
    told = {(key.lower(), value) for key, value in parsed.items() if isinstance(value, str) and value.strip()}
    known = {key.lower() for key, value in parsed.items() if value not in (None, "")}
    if not known & _KNOWN:
        raise SourceUnproven("the metadata says nothing that a chunk's metadata say")
    if any(key == _DOCUMENT_ID and value.strip().lower() != document_id.lower() for key, value in told):
        raise SourceUnproven("the metadata names another chunk")


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Pause(_Facts):
    """A time in which nothing was recorded; its length is unknown while it lasts."""

    started_at: datetime
    duration_ms: int | None = None


class Participant(_Facts):
    """Personal data: for answers to those who may ask, and for nothing that is kept."""

    participant_id: str
    channel: int | None = None


class ChunkFacts(_Facts):
    """What was recorded, as ACS tells it; None is what it doesn't tell, or not in a form that has one meaning."""

    started_at: datetime | None = None
    duration_ms: int | None = None
    pauses: tuple[Pause, ...] | None = None
    participants: tuple[Participant, ...] | None = None


def read_facts(body: bytes) -> ChunkFacts | None:
    """The facts of a metadata file, each read by itself; None when the file isn't a JSON object."""
    try:
        parsed = lenient.parse(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    facts = Members(parsed)
    return ChunkFacts(
        started_at=facts.read("chunkStartTime", lenient.moment),
        duration_ms=facts.read("chunkDuration", _milliseconds),
        pauses=_all_of(facts, "pauseResumeIntervals", _pause),
        participants=_all_of(facts, "participants", _participant),
    )


def read_participants(body: bytes) -> frozenset[str]:
    """Raw ids of all who are named, whatever else the file holds or lacks."""
    facts = read_facts(body)
    return frozenset(one.participant_id for one in (facts.participants if facts else None) or ())


def _all_of[T](facts: Members, name: str, convert: Callable[[Members], T | None]) -> tuple[T, ...] | None:
    """The entries of a list that can be read; None for no list, and when none of its entries can be read."""
    entries = facts.read(name, lambda value: value if isinstance(value, list) else None)
    if entries is None:
        return None
    read = [convert(facts.at(number, name, entry)) for number, entry in enumerate(entries)]
    found = tuple(one for one in read if one is not None)
    return found if found or not entries else None


def _pause(members: Members) -> Pause | None:
    started_at = members.read("startTime", lenient.moment)
    if started_at is None:
        return None
    return Pause(started_at=started_at, duration_ms=members.read("duration", _milliseconds))


def _participant(members: Members) -> Participant | None:
    participant_id = members.read("participantId", _raw_id)
    if participant_id is None:
        return None
    return Participant(participant_id=participant_id, channel=members.read("channel", lenient.up_to(_MOST_CHANNELS)))


def _raw_id(value: Any) -> str | None:
    """Any text that UTF-8 can hold: lone surrogates can't be answered or looked for."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _milliseconds(value: Any) -> int | None:
    """Rounded: ACS writes fractions now and then."""
    number = lenient.number(value)
    return round(number) if number is not None and 0 <= number <= _LONGEST_MS else None
