"""Operations of the service itself: its description."""

from shared.openapi.operations import Operation, Reply, Security

_TAG = "Service"

OPERATIONS = (
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
