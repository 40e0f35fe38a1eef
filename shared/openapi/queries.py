"""Operations that look over many recordings at once."""

from shared.contracts.listquery import ListQuery
from shared.contracts.queries import RecordingsPage
from shared.errors import InvalidRequest
from shared.openapi import examples
from shared.openapi.operations import STORAGE, Operation, Reply

_TAG = "Queries"

OPERATIONS = (
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
        problems=(InvalidRequest, *STORAGE),
    ),
)
