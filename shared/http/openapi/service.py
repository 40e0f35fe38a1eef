"""Operations of the service itself: what ACS calls, and its health, its own description."""

from shared.contracts.http.health import HealthView
from shared.contracts.http.recording_view import TakenInView
from shared.errors import CallbackRefused, CallbacksOff, CallbacksThrottled, InvalidRequest
from shared.http.openapi import examples
from shared.http.openapi.operations import ACS, STORAGE, Body, Operation, Parameter, Reply, Security

_TAG = "Service"

_START = Parameter(
    name="start",
    where="query",
    description="Which start a callback belongs to: Callvault puts it into the address that it gives to ACS.",
    schema={"type": "string", "pattern": "^[0-9a-f]{32}$"},
)
_SIGNATURE = Parameter(
    name="sig",
    where="query",
    description="The URL's signature, where CALLBACK_SECRET is set.",
    schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
)

OPERATIONS = (
    Operation(
        function="get_health",
        method="get",
        path="/health",
        tag=_TAG,
        summary="Is the promise in danger?",
        description="For monitors: whether storage and ACS can be reached, how near the oldest open chunk's deadline "
        "is, and whether the sweep runs. Cheap enough to be asked every minute.",
        replies={
            200: Reply(
                description="All is well.", model=HealthView, example=examples.HEALTH, headers=("Cache-Control",)
            ),
            503: Reply(
                description="Something is in danger: `checks` says what.",
                model=HealthView,
                example=examples.HEALTH | {"status": "danger", "checks": [examples.DANGER]},
                headers=("Cache-Control",),
            ),
        },
    ),
    Operation(
        function="take_callbacks",
        method="post",
        path="/callbacks",
        tag=_TAG,
        summary="Take Call Automation's callbacks",
        description="For ACS alone: its token and the signature of the URL that it was given are verified. An event "
        "that can't be read is quarantined.",
        parameters=(_START, _SIGNATURE),
        body=Body(
            description="An array of CloudEvents, or one.",
            schema={"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}, "maxItems": 100}]},
            example=[examples.CALLBACK],
        ),
        replies={200: Reply(description="Taken.", model=TakenInView, example={"outcomes": ["taken"]})},
        problems=(InvalidRequest, CallbackRefused, CallbacksOff, CallbacksThrottled, *ACS, *STORAGE),
        security=Security.TOKEN,
    ),
    Operation(
        function="get_openapi",
        method="get",
        path="/openapi.json",
        tag=_TAG,
        summary="This interface as OpenAPI 3.1",
        description="Needs no key: it says nothing that the source code doesn't.",
        replies={200: Reply(description="The document.", media_type="application/json")},
        security=Security.NONE,
    ),
    Operation(
        function="get_swagger",
        method="get",
        path="/swagger.json",
        tag=_TAG,
        summary="This interface as Swagger 2.0",
        description="For Logic Apps' HTTP + Swagger action and for custom connectors, which read no newer version.",
        replies={200: Reply(description="The document.", media_type="application/json")},
        security=Security.NONE,
    ),
)
