"""Operations that replay failed work. Each may be repeated."""

from infra.openapi.examples import ids
from infra.openapi.examples import recovery as examples
from infra.openapi.operation import STORAGE, Body, Operation, Parameter, Reply
from infra.openapi.operations.recordings import RECORDING_ID
from shared.contracts.http.quarantine_view import QuarantinePage, QuarantineQuery
from shared.contracts.http.recording_view import (
    AcknowledgedView,
    ReplayedByReasonView,
    ReplayedView,
    SubmittedEventOutcomes,
)
from shared.contracts.http.recovery_requests import Acknowledgement, ReplayByReason
from shared.errors import Conflict, InvalidRequest, NotFound

_TAG = "Recovery"

DOCUMENT_ID = Parameter(
    name="documentId",
    where="path",
    description="The chunk's `documentId`, percent-encoded.",
    schema={"type": "string", "minLength": 1, "maxLength": 1024},
    example=ids.DOCUMENT_ID,
)
_QUARANTINE_ID = Parameter(
    name="quarantineId",
    where="path",
    description="The name of the event's blob in the quarantine container, without `.json`.",
    schema={"type": "string", "pattern": "^[0-9a-f]{32}$"},
    example=ids.RECORDING_KEY,
)
_REPLAYED = {202: Reply(description="The number of chunks queued.", model=ReplayedView, example={"chunks": 1})}
_OUTCOMES = {
    202: Reply(
        description="The outcome of each event.",
        model=SubmittedEventOutcomes,
        example=examples.SUBMITTED,
    )
}

OPERATIONS = (
    Operation(
        function="list_quarantine",
        method="get",
        path="/quarantine",
        tag=_TAG,
        summary="List quarantined items",
        description="Returns the events, callbacks and messages that Callvault could not process, newest first, each "
        "with its reason. Their content isn't shown, because an event may name people.",
        query=QuarantineQuery,
        replies={
            200: Reply(
                description="One page of the quarantine.",
                model=QuarantinePage,
                example=examples.QUARANTINE,
                headers=("Cache-Control",),
            )
        },
        problems=(InvalidRequest, *STORAGE),
    ),
    Operation(
        function="replay_recording",
        method="post",
        path="/recordings/{recordingId}/replay",
        tag=_TAG,
        summary="Replay a recording",
        description="Queues every chunk of the recording that failed, is lost, or waits for its next attempt.",
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
        description="Queues one chunk, if it failed, is lost, or waits for its next attempt.",
        parameters=(RECORDING_ID, DOCUMENT_ID),
        replies=_REPLAYED,
        problems=(InvalidRequest, NotFound, *STORAGE),
    ),
    Operation(
        function="replay_by_reason",
        method="post",
        path="/replay",
        tag=_TAG,
        summary="Replay all chunks with one reason",
        description="Queues the open chunks that failed, or wait for their next attempt, for the given reason: those "
        "with the nearest deadlines first. A request reads at most about 1,000 open chunks and queues at most about "
        "200: repeat it with nextCursor as cursor until more is false.",
        body=Body(description="The reason.", model=ReplayByReason, example={"reason": "acs-credential-refused"}),
        replies={
            202: Reply(
                description="The number of chunks queued.",
                model=ReplayedByReasonView,
                example={"chunks": 5, "more": False, "nextCursor": None},
            )
        },
        problems=(InvalidRequest, *STORAGE),
    ),
    Operation(
        function="acknowledge_chunk",
        method="post",
        path="/recordings/{recordingId}/chunks/{documentId}/acknowledge",
        tag=_TAG,
        summary="Acknowledge a lost chunk",
        description="Records that a person knows about a lost or removed chunk. The chunk keeps its state, and no "
        "longer counts as needing attention. The name and the note are kept in the recording's history.",
        parameters=(RECORDING_ID, DOCUMENT_ID),
        body=Body(description="Who, and a note.", model=Acknowledgement, example=examples.ACKNOWLEDGEMENT),
        replies={
            200: Reply(
                description="The acknowledgement.",
                model=AcknowledgedView,
                example={"acknowledgedAt": "2026-11-23T08:12:00Z", "acknowledgedBy": "A. Lovelace"},
            )
        },
        problems=(InvalidRequest, NotFound, Conflict, *STORAGE),
    ),
    Operation(
        function="replay_quarantined",
        method="post",
        path="/quarantine/{quarantineId}/replay",
        tag=_TAG,
        summary="Replay a quarantined event",
        description="Processes a quarantined event again, for example after an update of Callvault that can parse it. "
        "The event stays in the quarantine.",
        parameters=(_QUARANTINE_ID,),
        replies=_OUTCOMES,
        problems=(InvalidRequest, NotFound, *STORAGE),
    ),
    Operation(
        function="submit_events",
        method="post",
        path="/events",
        tag=_TAG,
        summary="Submit events",
        description="Processes events that Event Grid could not deliver. Accepts the Event Grid event schema and "
        "CloudEvents.",
        body=Body(
            description="One event, or an array of events, as in a dead-letter blob.",
            schema={
                "oneOf": [
                    {"type": "object"},
                    {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 1000},
                ]
            },
            example=[examples.EVENT],
        ),
        replies=_OUTCOMES,
        problems=(InvalidRequest, *STORAGE),
    ),
)
