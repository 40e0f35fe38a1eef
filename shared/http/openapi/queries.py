"""Operations that look over many recordings at once."""

from shared.contracts.http.archive_view import TimelineView
from shared.contracts.http.link_query import LinkQuery
from shared.contracts.http.list_query import ListQuery
from shared.contracts.http.list_views import ContentLink, RecordingsPage, SummaryView
from shared.errors import (
    ArchivedFileExpired,
    ArchivedFileGone,
    DestinationConflict,
    InvalidRequest,
    NotArchived,
    NotFound,
    ParticipantsOff,
)
from shared.http.openapi import examples
from shared.http.openapi.operations import STORAGE, Operation, Reply
from shared.http.openapi.recordings import RECORDING_ID
from shared.http.openapi.recovery import DOCUMENT_ID

_TAG = "Queries"


def _link(function: str, file: str, summary: str) -> Operation:
    return Operation(
        function=function,
        method="get",
        path=f"/recordings/{{recordingId}}/chunks/{{documentId}}/{file}",
        tag=_TAG,
        summary=summary,
        description="A link to one archived file, for minutes. Who asked is written into the history before.",
        parameters=(RECORDING_ID, DOCUMENT_ID),
        query=LinkQuery,
        replies={
            302: Reply(
                description="The file is at Location, for whoever has it; ranges work.",
                headers=("Location", "Cache-Control"),
                media_type=None,
            ),
            200: Reply(
                description="With redirect=false: the link in the body.",
                model=ContentLink,
                example=examples.LINK,
                headers=("Cache-Control",),
            ),
        },
        problems=(InvalidRequest, NotFound, NotArchived, ArchivedFileGone, ArchivedFileExpired, *STORAGE),
    )


OPERATIONS = (
    Operation(
        function="get_timeline",
        method="get",
        path="/recordings/{recordingId}/timeline",
        tag=_TAG,
        summary="A recording over time",
        description="When each chunk was recorded, its pauses and who is on which channel, from the archived metadata. "
        "Also of a recording that isn't whole: what isn't archived has nulls.",
        parameters=(RECORDING_ID,),
        replies={
            200: Reply(
                description="As far as it is known yet.",
                model=TimelineView,
                example=examples.TIMELINE,
                headers=("Cache-Control",),
            )
        },
        problems=(InvalidRequest, NotFound, DestinationConflict, *STORAGE),
    ),
    Operation(
        function="list_recordings",
        method="get",
        path="/recordings",
        tag=_TAG,
        summary="List recordings",
        description="Newest first, a page at a time.",
        query=ListQuery,
        replies={
            200: Reply(
                description="A page.",
                model=RecordingsPage,
                example={"recordings": [examples.LISTED], "nextCursor": None},
                headers=("Cache-Control",),
            )
        },
        problems=(InvalidRequest, ParticipantsOff, *STORAGE),
    ),
    Operation(
        function="get_summary",
        method="get",
        path="/summary",
        tag=_TAG,
        summary="Whether the promise holds",
        description="What is open, what is in trouble, and what became safe in the last day, at a cost with a bound.",
        replies={
            200: Reply(
                description="How things stand.",
                model=SummaryView,
                example=examples.SUMMARY,
                headers=("Cache-Control",),
            )
        },
        problems=STORAGE,
    ),
    _link("get_content", "content", "Get a chunk's media file"),
    _link("get_metadata", "metadata", "Get a chunk's metadata file"),
)
