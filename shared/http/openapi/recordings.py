"""Operations on recordings: start, stop, pause, resume, look, wait."""

from dataclasses import replace

from shared.contracts.http.archive_view import ArchiveAwaitedView, ArchiveRecordView
from shared.contracts.http.consent import ResumeRecording
from shared.contracts.http.recording_view import RecordingView, StartedView
from shared.contracts.http.start_request import StartRecording
from shared.domain.keys import RECORDING_ID_PATTERN
from shared.errors import (
    CallNotRecordable,
    ChunkFailed,
    ChunkLost,
    ChunkRemoved,
    Conflict,
    ConsentRequired,
    DestinationConflict,
    FilesOverdue,
    InvalidRequest,
    KeyReused,
    NotFound,
    NothingRecorded,
    RequestInProgress,
)
from shared.http.openapi import examples
from shared.http.openapi.operations import ACS, STORAGE, Body, Operation, Parameter, Reply

_TAG = "Recordings"

RECORDING_ID = Parameter(
    name="recordingId",
    where="path",
    description="The recordingId that starting the recording gave, percent-encoded, or the recordingKey.",
    schema={"type": "string", "pattern": f"^{RECORDING_ID_PATTERN}$"},
    example=examples.RECORDING_ID,
)
_IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    where="header",
    description="A UUID, say. A repeated start with the same key gets the first answer and never starts twice. "
    "The key is remembered for 30 days.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    example="0f4f7b0e-4b7a-4a56-9f0b-6b1f6f0f8d11",
)
_PREFER = Parameter(
    name="Prefer",
    where="header",
    description="respond-async: answer 202 with the address to wait at for the archived files.",
    schema={"type": "string"},
    example="respond-async",
)
_AWAITED = "Something is awaited still: ask again at Location after Retry-After seconds."


def _told(function: str, verb: str, summary: str, description: str) -> Operation:
    return Operation(
        function=function,
        method="post",
        path=f"/recordings/{{recordingId}}/{verb}",
        tag=_TAG,
        summary=summary,
        description=description,
        parameters=(RECORDING_ID,),
        replies={200: Reply(description="Done.", model=RecordingView, example=examples.RECORDING)},
        problems=(InvalidRequest, CallNotRecordable, NotFound, Conflict, *ACS, *STORAGE),
    )


OPERATIONS = (
    Operation(
        function="start_recording",
        method="post",
        path="/recordings",
        tag=_TAG,
        summary="Start a recording",
        description="Starts recording the call that exactly one of the four ids names.",
        parameters=(_IDEMPOTENCY_KEY,),
        body=Body(description="What to record, and how.", model=StartRecording, example=examples.START),
        replies={
            201: Reply(description="It runs.", model=StartedView, example=examples.STARTED, headers=("Location",)),
            202: Reply(
                description="ACS accepted it and has not started it yet.",
                model=StartedView,
                example=examples.STARTED | {"state": "starting"},
                headers=("Location",),
            ),
        },
        problems=(
            InvalidRequest,
            ConsentRequired,
            CallNotRecordable,
            NotFound,
            Conflict,
            RequestInProgress,
            KeyReused,
            *ACS,
            *STORAGE,
        ),
    ),
    Operation(
        function="get_recording",
        method="get",
        path="/recordings/{recordingId}",
        tag=_TAG,
        summary="Look at a recording",
        description="Where it is: what the ledger and ACS know of it, and how far each of its chunks has got.",
        parameters=(RECORDING_ID,),
        replies={200: Reply(description="The recording.", model=RecordingView, example=examples.RECORDING)},
        problems=(InvalidRequest, NotFound, *ACS, *STORAGE),
    ),
    Operation(
        function="stop_recording",
        method="post",
        path="/recordings/{recordingId}/stop",
        tag=_TAG,
        summary="Stop a recording",
        description="One that has stopped already stays so.",
        parameters=(RECORDING_ID, _PREFER),
        replies={
            200: Reply(description="It has stopped.", model=RecordingView, example=examples.RECORDING),
            202: Reply(
                description="It has stopped, and its files can be waited for at Location.",
                model=RecordingView,
                example=examples.RECORDING | {"state": "stopped", "chunks": []},
                headers=("Location", "Retry-After", "Preference-Applied"),
            ),
        },
        problems=(InvalidRequest, CallNotRecordable, NotFound, Conflict, *ACS, *STORAGE),
    ),
    _told("pause_recording", "pause", "Pause a recording", "Nothing is recorded until it is resumed."),
    replace(
        _told(
            "resume_recording",
            "resume",
            "Resume a recording",
            "Goes on recording after a pause. A recording that waits for consent, as an automatic one does where the "
            "deployment requires it, goes on when this brings it.",
        ),
        body=Body(
            description="The consent, if the recording waits for it; else nothing.",
            model=ResumeRecording,
            example={"consent": examples.CONSENT},
            required=False,
        ),
        problems=(InvalidRequest, ConsentRequired, CallNotRecordable, NotFound, Conflict, *ACS, *STORAGE),
    ),
    Operation(
        function="get_archive",
        method="get",
        path="/recordings/{recordingId}/archive",
        tag=_TAG,
        summary="Wait for a recording's files",
        description="202 while something is awaited, the archive record when every file is safe, and a problem as soon "
        "as one won't be by itself. Looks for each file that the record names: two storage operations a chunk.",
        parameters=(RECORDING_ID,),
        replies={
            200: Reply(
                description="Every file is in the archive, verified, or has expired there.",
                model=ArchiveRecordView,
                example=examples.ARCHIVE_RECORD,
                headers=("Cache-Control",),
            ),
            202: Reply(
                description=_AWAITED,
                model=ArchiveAwaitedView,
                example=examples.AWAITED,
                headers=("Location", "Retry-After"),
            ),
        },
        problems=(
            InvalidRequest,
            NotFound,
            ChunkFailed,
            FilesOverdue,
            NothingRecorded,
            DestinationConflict,
            ChunkLost,
            ChunkRemoved,
            *ACS,
            *STORAGE,
        ),
    ),
)
