"""Descriptions and values of properties, added to the schemas that pydantic generates.

A property with a description of its own in its model keeps it. The texts here are for names that mean the same in every
model, so that a caller reads the same sentence everywhere. `VALUES` has the possible values of properties whose model
only says that they are text: views are built from the catalogue, which may have been written by another version.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.events.outcome import Outcome
from shared.domain.states import AcsState, ChunkState, MissingFile, RecordingState
from shared.errors import Fault
from shared.queries.list_item import UNKNOWN

type Json = dict[str, Any]

# By property, or by model and property where the general text doesn't fit.
TEXTS: Mapping[str, str] = {
    "announcedAt": "When ACS sent the first event about the recording's files.",
    "archiveContainer": "Name of the blob container that has the files.",
    "archivedAt": "When the file was verified in the archive.",
    "at": "Time of the entry or answer.",
    "attempts": "Number of attempts to archive the chunk.",
    "basis": "Legal basis, such as consent or contract.",
    "blobName": "Name of the media file's blob; null until it is archived.",
    "buckets": "The same numbers for each quarter of an hour, oldest first.",
    "callConnectionId": "ID of the call's connection in Call Automation, if known.",
    "callId": "ID of the call, if an event named it.",
    "channel": "mixed or unmixed, as requested or as ACS reported it.",
    "chunkKey": "Identifies the chunk in logs and tables.",
    "chunks": "The recording's chunks, in order.",
    "consent": "The legal basis of the recording, if the caller stated one.",
    "content": "audio or audioVideo, as requested or as ACS reported it.",
    "contentType": "Media type of the file.",
    "copied": "Bytes copied so far; null if no copy is running.",
    "copyingAt": "When the latest attempt began.",
    "correlation": "The text that the caller sent with the start; null if it sent none.",
    "deadline": "When ACS deletes the source.",
    "detail": "What happened, in words, and how to fix it if known.",
    "details": "Details of the entry, by name.",
    "documentId": "ACS's ID of the chunk.",
    "durationMs": "Duration in milliseconds; null until ACS has reported it.",
    "endReason": "Why ACS ended the chunk, in ACS's words, such as SessionEnded.",
    "errors": "The invalid fields of the request. Only in the problem invalid-request.",
    "eventTime": "Time of the event that announced the chunk.",
    "expected": "Total bytes of a running copy; null if no copy is running.",
    "expiresAt": "When the link stops working.",
    "failedAt": "When the last attempt failed for good; null if it hasn't.",
    "fileName": "Name under which a browser saves the file.",
    "format": "wav, mp3 or mp4, as requested or as ACS reported it.",
    "groupCallId": "ID of the group call, if the start named it.",
    "index": "Number of the chunk in its recording, from 0.",
    "longestSecondsToSafe": "The longest time from a chunk's event until it is safe, in seconds.",
    "lost": "Number of chunks whose source was gone before they were archived.",
    "lostAt": "When the chunk was found lost; null if it isn't.",
    "metadataBlobName": "Name of the metadata file's blob; null until it is archived.",
    "metadataSha256": "SHA-256 of the metadata file, in hexadecimal.",
    "metadataSize": "Size of the metadata file, in bytes.",
    "minutes": "Length of the period, in minutes.",
    "more": "Whether there are more recordings in trouble than this page shows.",
    "nextAttemptAt": "When the next attempt is due; null if none is scheduled.",
    "obtainedAt": "When consent was given.",
    "ok": "Whether the check passed.",
    "participantId": "ACS's raw ID of the participant. It is personal data.",
    "pausedAt": "When it was last paused.",
    "pauses": "Periods in which nothing was recorded; null until the metadata file is archived.",
    "pendingAt": "When the chunk was last queued.",
    "reason": "Stable reason, as in docs/http.md; null if nothing is wrong.",
    "recordingId": "ACS's ID of the recording; null for files that can't be linked to a recording.",
    "recordingKey": "Identifies the recording in paths, also if there is no recordingId.",
    "recordings": "The recordings of this page.",
    "reference": "Where to find the proof: the ID of a document or ticket.",
    "releasedAt": "When the source was deleted in ACS; null if it is kept.",
    "requestedAt": "When the start was requested.",
    "resumedAt": "When it was last resumed.",
    "roomId": "ID of the room, if the start named it.",
    "serverCallId": "The call's serverCallId, if known.",
    "sessionEndReason": "Why the recording ended, in ACS's words, such as CallEnded.",
    "sha256": "SHA-256 of the media file, in hexadecimal.",
    "since": "Since when the problem exists, if known.",
    "size": "Size of the file, in bytes.",
    "start": "Start of the period.",
    "startedAt": "When the recorded media begin; null if unknown.",
    "state": "State of the recording or chunk: see docs/http.md.",
    "status": "The HTTP status.",
    "stoppedAt": "When it ended.",
    "timeToSafe": "A histogram of the times from a chunk's event until it is safe.",
    "title": "What is wrong in general. The same for each problem of this type.",
    "trouble": "Recordings that are incomplete or overdue.",
    "unlinked": "Whether the files can't be linked to a recordingId.",
    "url": "The link. Anyone who has it can read the file until it expires.",
    # Of one model
    "ArchivedChunkView.size": "Size of the media file, in bytes.",
    "ChunkView.size": "Size of the media file, in bytes; null until it is archived.",
    "HealthView.checks": "The result of each check.",
    "HealthView.oldestOpen": "The open chunk with the least time left; null if none is open.",
    "HealthView.status": "ok, or danger if recordings may be lost.",
    "ParticipantView.channel": "The participant's channel, from 0, if the channels are unmixed.",
    "PauseView.startedAt": "When the pause began.",
    "Problem.detail": "What is wrong with this request, and how to fix it.",
    "Problem.reason": "Stable slug of the problem: see docs/http.md.",
    "ResumeRecording.consent": "Required if the deployment requires consent and none was given so far.",
    "SummaryView.lastDay": "The results of the last 24 hours.",
    "SummaryView.open": "The open work at this moment.",
    "TimeToSafe.chunks": "Number of chunks.",
    "TimelineChunkView.participants": "Who is in the chunk; null until the metadata file is archived.",
    # Filters of a list, by the name of the model of the query
    "ListQuery.state": "Only recordings in this state.",
    "ListQuery.callId": "Only recordings of the call with exactly this ID.",
    "ListQuery.serverCallId": "Only recordings of the call with exactly this serverCallId.",
    "ListQuery.callConnectionId": "Only recordings of the call with exactly this connection.",
    "ListQuery.correlation": "Only recordings with exactly this correlation.",
    # Models
    "Channel": "Whether all participants are in one channel (mixed) or in one each (unmixed).",
    "Content": "What is recorded.",
    "Disposition": "Whether browsers save or play the file.",
    "HealthStatus": "Whether recordings may be lost.",
    "MediaFormat": "Format of the media file.",
    "RecordingState": "State of a recording: see docs/http.md.",
    "TallyBucket": "The counts of a quarter of an hour.",
}

_RECORDING_STATES = (*map(str, RecordingState), UNKNOWN)
VALUES: Mapping[str, Iterable[str]] = {
    "ArchiveRecordView.state": (RecordingState.ARCHIVED, RecordingState.EXPIRED, RecordingState.INCOMPLETE),
    "ArchivedChunkView.state": ChunkState,
    "ChunkView.fault": Fault,
    "ChunkView.missing": MissingFile,
    "ChunkView.state": ChunkState,
    "EventOutcomes.outcomes": Outcome,
    "ListedRecording.state": _RECORDING_STATES,
    "OldestChunkView.state": ChunkState,
    "OpenChunkView.state": ChunkState,
    "Problem.fault": Fault,
    "RecordingView.acsState": AcsState,
    "RecordingView.state": RecordingState,
    "StartedView.state": RecordingState,
    "SubmittedEventOutcomes.outcomes": Outcome,
    "SubmittedEventView.outcome": Outcome,
    "TimelineChunkView.state": ChunkState,
    "TroubleView.fault": Fault,
    "TroubleView.state": (ChunkState.FAILED, ChunkState.LOST, ChunkState.REMOVED, RecordingState.OVERDUE),
}


def describe(model: str, schema: Json) -> None:
    """Adds descriptions and values to the schema of a model, and to those of its variants."""
    if model in TEXTS:
        schema.setdefault("description", TEXTS[model])
    for variant in (schema, *schema.get("oneOf", ())):
        for name, member in variant.get("properties", {}).items():
            text = TEXTS.get(f"{model}.{name}", TEXTS.get(name))
            if text is not None and "description" not in member:
                member["description"] = text
            if (values := VALUES.get(f"{model}.{name}")) is not None:
                _text_in(member)["enum"] = [str(one) for one in values]


def _text_in(schema: Json) -> Json:
    """The part of a schema that is text: the items of an array, or the branch beside null."""
    if "items" in schema:
        return _text_in(schema["items"])
    return next((one for one in schema.get("anyOf", ()) if one.get("type") == "string"), schema)
