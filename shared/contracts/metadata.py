"""A chunk's metadata JSON, read leniently: what is archived is always the bytes as they came.

Real ones differ in casing (`framerate`), carry extra fields and have swapped contentType and channelType. So they must
only be a JSON object that has something which metadata have, and that names no other chunk.
"""

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import SourceUnproven

_DOCUMENT_ID = "chunkdocumentid"
_KNOWN = frozenset(
    {
        *("resourceid", "callid", _DOCUMENT_ID, "chunkindex", "chunkstarttime", "chunkduration"),
        *("pauseresumeintervals", "recordinginfo", "participants"),
    }
)


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


class _Lower(BaseModel):
    """Read by lower-case names: casing is what ACS varies most."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Pause(_Lower):
    """A time in which nothing was recorded."""

    started_at: datetime = Field(alias="starttime")
    duration_ms: int = Field(alias="duration")


class Participant(_Lower):
    """Personal data: for answers to those who may ask, and for nothing that is kept."""

    participant_id: str = Field(alias="participantid")
    channel: int | None = None


class ChunkFacts(_Lower):
    """What was recorded, as ACS tells it; None is what it doesn't tell."""

    started_at: datetime | None = Field(default=None, alias="chunkstarttime")
    duration_ms: int | None = Field(default=None, alias="chunkduration")
    pauses: tuple[Pause, ...] | None = Field(default=None, alias="pauseresumeintervals")
    participants: tuple[Participant, ...] | None = None


def read_facts(body: bytes) -> ChunkFacts | None:
    """The facts of a metadata file; None when they can't be read, so that nothing false is told of a recording."""
    try:
        return ChunkFacts.model_validate(_lowered(json.loads(body)))
    except (ValueError, RecursionError):
        return None


def read_participants(body: bytes) -> frozenset[str]:
    """Raw ids of all who are named, whatever else the file holds or lacks."""
    try:
        named = _lowered(json.loads(body)).get("participants")
    except (AttributeError, ValueError, RecursionError):
        return frozenset()
    people = [one.get("participantid") for one in named if isinstance(one, dict)] if isinstance(named, list) else []
    return frozenset(one for one in people if isinstance(one, str) and one.strip())


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): _lowered(item) for key, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value
