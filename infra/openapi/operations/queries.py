"""Operations that read: lists, the summary, a timeline, and links to archived files."""

from infra.openapi.examples import queries as examples
from infra.openapi.operation import STORAGE, Operation, Reply
from infra.openapi.operations.recordings import RECORDING_ID
from infra.openapi.operations.recovery import DOCUMENT_ID
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

_TAG = "Queries"


def _link(function: str, file: str, summary: str) -> Operation:
    return Operation(
        function=function,
        method="get",
        path=f"/recordings/{{recordingId}}/chunks/{{documentId}}/{file}",
        tag=_TAG,
        summary=summary,
        description="Returns a link to one archived file. The link expires after a few minutes. An audit entry in the "
        "recording's history names the caller.",
        parameters=(RECORDING_ID, DOCUMENT_ID),
        query=LinkQuery,
        replies={
            302: Reply(
                description="`Location` is the link. Anyone who has it can read the file, also by range requests.",
                headers=("Location", "Cache-Control"),
                media_type=None,
            ),
            200: Reply(
                description="The link, if `redirect` is `false`.",
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
        summary="Get timeline",
        description="Returns when each chunk was recorded, its pauses, and the participant on each channel, from the "
        "archived metadata files. A chunk whose metadata file isn't archived has its state, "
        "and null in all other fields.",
        parameters=(RECORDING_ID,),
        replies={
            200: Reply(
                description="The timeline of the chunks that are known so far.",
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
        description="Returns a page of recordings, newest first. To get the next page, send `nextCursor` as `cursor`.",
        query=ListQuery,
        replies={
            200: Reply(
                description="One page of recordings.",
                model=RecordingsPage,
                example={"recordings": [examples.LISTED], "notIndexed": None, "nextCursor": None},
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
        summary="Get summary",
        description="Returns the open chunks and recordings, those in trouble, and the results of the last 24 hours. "
        "The cost of a request has an upper bound, however large the archive is.",
        replies={
            200: Reply(
                description="The summary.",
                model=SummaryView,
                example=examples.SUMMARY,
                headers=("Cache-Control",),
            )
        },
        problems=STORAGE,
    ),
    _link("get_content", "content", "Get media file"),
    _link("get_metadata", "metadata", "Get metadata file"),
)
