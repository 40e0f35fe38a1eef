"""Operations of the service itself: health, the callbacks of ACS, and the API description."""

from infra.openapi.examples import service as examples
from infra.openapi.operation import ACS, STORAGE, Body, Operation, Parameter, Reply, Security
from shared.contracts.http.health import HealthView
from shared.contracts.http.recording_view import EventOutcomes
from shared.errors import CallbackRefused, CallbacksOff, CallbacksThrottled, InvalidRequest

_TAG = "Service"

_START = Parameter(
    name="start",
    where="query",
    description="The start that the callback belongs to. Callvault adds it to the callback URL that it passes to ACS.",
    schema={"type": "string", "pattern": "^[0-9a-f]{32}$"},
)
_SIGNATURE = Parameter(
    name="sig",
    where="query",
    description="The signature of the URL, if `CALLBACK_SECRET` is set.",
    schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
)

OPERATIONS = (
    Operation(
        function="get_health",
        method="get",
        path="/health",
        tag=_TAG,
        summary="Check health",
        description="For monitors. Checks whether storage and ACS can be reached, how close the nearest deadline "
        "of an open chunk is, and whether the sweep runs. You can call it every minute: the cost doesn't depend on "
        "the size of the archive.",
        replies={
            200: Reply(
                description="All checks passed.", model=HealthView, example=examples.HEALTH, headers=("Cache-Control",)
            ),
            503: Reply(
                description="Recordings may be lost. `checks` shows which check failed.",
                model=HealthView,
                example=examples.HEALTH | {"status": "danger", "checks": [examples.DANGER]},
                headers=("Cache-Control",),
            ),
        },
    ),
    Operation(
        function="receive_callbacks",
        method="post",
        path="/callbacks",
        tag=_TAG,
        summary="Receive callbacks from ACS",
        description="Only for ACS. Callvault verifies the token of ACS and the signature of the URL. An event that "
        "can't be parsed is quarantined.",
        parameters=(_START, _SIGNATURE),
        body=Body(
            description="An array of CloudEvents, or one CloudEvent.",
            schema={"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}, "maxItems": 100}]},
            example=[examples.CALLBACK],
        ),
        replies={
            200: Reply(
                description="The outcome of each event.", model=EventOutcomes, example={"outcomes": ["accepted"]}
            )
        },
        problems=(InvalidRequest, CallbackRefused, CallbacksOff, CallbacksThrottled, *ACS, *STORAGE),
        security=Security.TOKEN,
    ),
    Operation(
        function="get_openapi",
        method="get",
        path="/openapi.json",
        tag=_TAG,
        summary="Get the API description (OpenAPI 3.1)",
        description="Requires no key: the document contains nothing that isn't in the public source code.",
        replies={200: Reply(description="The API description.", media_type="application/json")},
        security=Security.NONE,
    ),
    Operation(
        function="get_swagger",
        method="get",
        path="/swagger.json",
        tag=_TAG,
        summary="Get the API description (Swagger 2.0)",
        description="For the HTTP + Swagger action of Logic Apps and custom connectors, which don't support OpenAPI 3.",
        replies={200: Reply(description="The API description.", media_type="application/json")},
        security=Security.NONE,
    ),
)
