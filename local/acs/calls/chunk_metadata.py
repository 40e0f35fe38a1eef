"""The metadata JSON of a chunk, with the variations that real ones have.

An undocumented field is always present, and durations are written as 15000.0. `quirks` adds a lowercase frame rate and
exchanges content type and channel type. `wild` adds durations with a fraction, a pause without an end and a participant
without an id.
"""

import json
from dataclasses import dataclass
from typing import Any

from local.acs.calls.timeline import Span
from local.acs.identifiers import RESOURCE_ID
from local.acs.times import acs_time

BIT_RATES = {"wav": 256_000, "mp3": 48_000, "mp4": 64_000}


@dataclass(frozen=True, kw_only=True)
class ChunkFacts:
    call_id: str
    document_id: str
    index: int
    span: Span
    content_type: str
    channel_type: str
    media_format: str
    channels: int
    speakers: tuple[tuple[str, int | None], ...]
    """Participant ids, each with its channel if the recording is unmixed."""
    quirks: bool
    wild: bool = False
    half_milliseconds: bool = False


def chunk_metadata(facts: ChunkFacts) -> dict[str, Any]:
    content_type, channel_type = facts.content_type, facts.channel_type
    if facts.quirks:
        content_type, channel_type = channel_type, content_type
    info: dict[str, Any] = {
        "contentType": content_type,
        "channelType": channel_type,
        "format": facts.media_format,
        "audioConfiguration": {
            "sampleRate": "16000",
            "bitRate": BIT_RATES[facts.media_format] * (facts.channels if facts.media_format == "wav" else 1),
            "channels": facts.channels,
        },
    }
    if facts.media_format == "mp4":
        info["videoConfiguration"] = {
            "longerSideLength": 1920,
            "shorterSideLength": 1080,
            "framerate" if facts.quirks else "frameRate": 16,
            "bitRate": 1_000_000,
        }
    fraction = 0.5 if facts.wild or facts.half_milliseconds else 0.0
    pauses: list[dict[str, Any]] = [
        {"startTime": acs_time(pause.started), "duration": pause.duration_ms + fraction} for pause in facts.span.pauses
    ]
    participants: list[dict[str, Any]] = [
        {"participantId": speaker} if channel is None else {"participantId": speaker, "channel": channel}
        for speaker, channel in facts.speakers
    ]
    if facts.wild:
        pauses.append({"startTime": acs_time(facts.span.started)})
        participants.append({"channel": len(participants)})
    return {
        "resourceId": RESOURCE_ID,
        "callId": facts.call_id,
        "chunkDocumentId": facts.document_id,
        "chunkIndex": facts.index,
        "chunkStartTime": acs_time(facts.span.started),
        "chunkDuration": facts.span.duration_ms + fraction,
        "pauseResumeIntervals": pauses,
        "recordingInfo": info,
        "participants": participants,
        "version": "1.0",
    }


def encoded(metadata: dict[str, Any]) -> bytes:
    return json.dumps(metadata, ensure_ascii=False).encode()
