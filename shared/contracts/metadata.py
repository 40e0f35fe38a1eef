"""A chunk's metadata JSON, read leniently: what is archived is always the bytes as they came.

Real ones differ in casing (`framerate`), carry extra fields and have swapped contentType and channelType, so nothing
is asked of them but that they are a JSON object, and of the right chunk where they say which.
"""

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

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
