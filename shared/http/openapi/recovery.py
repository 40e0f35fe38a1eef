"""Operations that put failed work back. Each may be repeated."""

from shared.contracts.http.recording_view import HandedInView, ReplayedView
from shared.errors import InvalidRequest, NotFound
from shared.http.openapi import examples
from shared.http.openapi.operations import STORAGE, Body, Operation, Parameter, Reply
from shared.http.openapi.recordings import RECORDING_ID

_TAG = "Recovery"

DOCUMENT_ID = Parameter(
    name="documentId",
    where="path",
    description="The chunk's documentId, percent-encoded.",
    schema={"type": "string", "minLength": 1, "maxLength": 1024},
    example=examples.DOCUMENT_ID,
)
_QUARANTINE_ID = Parameter(
    name="quarantineId",
    where="path",
    description="The name of the event's blob in the quarantine container, without .json.",
    schema={"type": "string", "pattern": "^[0-9a-f]{32}$"},
    example="5f2b8d0c9e7a4f6d8b1c3e5a7092d4f6",
)
_REPLAYED = {202: Reply(description="Put back.", model=ReplayedView, example={"chunks": 1})}
_TAKEN_IN = {
    202: Reply(description="Taken in.", model=HandedInView, example={"outcomes": ["queued"], "differing": [[]]})
}

OPERATIONS = (
    Operation(
        function="replay_recording",
        method="post",
        path="/recordings/{recordingId}/replay",
        tag=_TAG,
        summary="Replay a recording",
        description="Puts back every chunk that failed, is lost or waits.",
        parameters=(RECORDING_ID,),
        replies=_REPLAYED,
        problems=(InvalidRequest, NotFound, *STORAGE),
    ),
    Operation(
        function="replay_chunk",
        method="post",
        path="/recordings/{recordingId}/chunks/{documentId}/replay",
        tag=_TAG,
        summary="Replay a chunk",
        description="Puts one chunk back, if it failed, is lost or waits.",
        parameters=(RECORDING_ID, DOCUMENT_ID),
        replies=_REPLAYED,
        problems=(InvalidRequest, NotFound, *STORAGE),
    ),
    Operation(
        function="replay_quarantined",
        method="post",
        path="/quarantine/{quarantineId}/replay",
        tag=_TAG,
        summary="Replay an event from the quarantine",
        description="Reads it again, as after an update that understands it. What was kept stays kept.",
        parameters=(_QUARANTINE_ID,),
        replies=_TAKEN_IN,
        problems=(InvalidRequest, NotFound, *STORAGE),
    ),
    Operation(
        function="take_events",
        method="post",
        path="/events",
        tag=_TAG,
        summary="Take in events by hand",
        description="Events that Event Grid dead-lettered, in its own schema or as CloudEvents.",
        body=Body(
            description="One event, or an array of them as a dead-letter file holds it.",
            schema={
                "oneOf": [
                    {"type": "object"},
                    {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 1000},
                ]
            },
            example=[examples.EVENT],
        ),
        replies=_TAKEN_IN,
        problems=(InvalidRequest, *STORAGE),
    ),
)
