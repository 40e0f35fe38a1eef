"""Operations on one recording: start, get, stop, pause, resume, and wait for its files."""

from dataclasses import replace

from infra.openapi.examples import ids
from infra.openapi.examples import recordings as examples
from infra.openapi.operation import ACS, STORAGE, Body, Operation, Parameter, Reply
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

_TAG = "Recordings"

RECORDING_ID = Parameter(
    name="recordingId",
    where="path",
    description="The `recordingId` that the start returned, percent-encoded, or the `recordingKey`.",
    schema={"type": "string", "pattern": f"^{RECORDING_ID_PATTERN}$"},
    example=ids.RECORDING_ID,
)
_IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    where="header",
    description="A unique value, such as a UUID. A repeated start with the same key returns the first response and "
    "doesn't start a second recording. Keys are kept for 30 days.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    example="0f4f7b0e-4b7a-4a56-9f0b-6b1f6f0f8d11",
)
_PREFER = Parameter(
    name="Prefer",
    where="header",
    description="`respond-async` returns 202 and, in `Location`, the URL at which to wait for the archived files.",
    schema={"type": "string"},
    example="respond-async",
)
_AWAITED = "Not all files are archived yet. Repeat the request at `Location` after `Retry-After` seconds."


def _command(function: str, verb: str, summary: str, description: str) -> Operation:
    return Operation(
        function=function,
        method="post",
        path=f"/recordings/{{recordingId}}/{verb}",
        tag=_TAG,
        summary=summary,
        description=description,
        parameters=(RECORDING_ID,),
        replies={200: Reply(description="The recording.", model=RecordingView, example=examples.RECORDING)},
        problems=(InvalidRequest, CallNotRecordable, NotFound, Conflict, *ACS, *STORAGE),
    )


OPERATIONS = (
    Operation(
        function="start_recording",
        method="post",
        path="/recordings",
        tag=_TAG,
        summary="Start a recording",
        description="Starts recording a call. Identify the call by exactly one of `serverCallId`, `callConnectionId`, "
        "`groupCallId` and `roomId`.",
        parameters=(_IDEMPOTENCY_KEY,),
        body=Body(description="The call, and how to record it.", model=StartRecording, example=examples.START),
        replies={
            201: Reply(
                description="The recording has started.",
                model=StartedView,
                example=examples.STARTED,
                headers=("Location",),
            ),
            202: Reply(
                description="ACS accepted the request and hasn't started the recording yet.",
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
        summary="Get a recording",
        description="Returns a recording's state and history and the progress of each chunk. `acsState` is the state "
        "in ACS, or `unavailable` if ACS can't be reached.",
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
        description="Stops a recording. Succeeds if the recording has already ended.",
        parameters=(RECORDING_ID, _PREFER),
        replies={
            200: Reply(description="The recording has stopped.", model=RecordingView, example=examples.RECORDING),
            202: Reply(
                description="The recording has stopped. Wait for its files at `Location`.",
                model=RecordingView,
                example=examples.RECORDING | {"state": "stopped", "chunks": []},
                headers=("Location", "Retry-After", "Preference-Applied"),
            ),
        },
        problems=(InvalidRequest, CallNotRecordable, NotFound, Conflict, *ACS, *STORAGE),
    ),
    _command(
        "pause_recording", "pause", "Pause a recording", "Pauses a recording. Nothing is recorded until you resume it."
    ),
    replace(
        _command(
            "resume_recording",
            "resume",
            "Resume a recording",
            "Resumes a paused recording. If the deployment requires consent, an automatic recording starts paused. "
            "To resume it, send the `consent`.",
        ),
        body=Body(
            description="The consent, if the recording waits for it. Otherwise send no body.",
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
        summary="Wait for files",
        description="Returns 202 until every file is archived, and then the archive record. Returns a problem as soon "
        "as a file can't be archived without intervention. Callvault checks that each file in the record exists, which "
        "costs two storage operations for each chunk.",
        parameters=(RECORDING_ID,),
        replies={
            200: Reply(
                description="Every file is archived and verified, or was archived and has expired.",
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
