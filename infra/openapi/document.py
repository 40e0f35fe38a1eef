"""The OpenAPI 3.1 document: the table of operations, with the JSON schemas that pydantic generates."""

from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from infra.openapi.operation import HEADERS, JSON, Body, Operation, Reply, Security
from infra.openapi.operations import OPERATIONS
from infra.openapi.texts import describe
from shared.contracts.http.problems import MEDIA_TYPE, Problem
from shared.errors import (
    BodyTooLarge,
    CallvaultError,
    ForeignPage,
    Interrupted,
    InvalidRequest,
    LengthRequired,
    RoleRequired,
)
from shared.http.access import Access, Effect, Role, access_to

type Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_LOCKED = (
    "The key is missing or wrong, or doesn't grant access to this operation. The response has no body. If the "
    "deployment requires sign-in: the Entra ID token is missing or invalid. The response is the platform's own, or the "
    "problem `sign-in-required`."
)
_MAY_WAIT = frozenset({409, 429, 502, 503, 504})  # problems that have Retry-After if the time to wait is known

type _Model = tuple[type[BaseModel], JsonSchemaMode]


class _Untitled(GenerateJsonSchema):
    """Leaves out pydantic's titles, which only repeat each field's name in another spelling."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def openapi(version: str) -> Json:
    """The document without `servers`: the app adds them to each response (shared.http.description)."""
    schemas, definitions = models_json_schema(sorted(_models(), key=str), ref_template=_REF, schema_generator=_Untitled)
    components: Json = definitions.get("$defs", {})
    for operation in OPERATIONS:
        if operation.query is not None:
            components.pop(operation.query.__name__, None)  # its fields are parameters; only their types are needed
    for name, schema in components.items():
        describe(name, schema)
    paths: dict[str, Json] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Callvault",
            "version": version,
            "summary": "Starts and stops recordings of Azure Communication Services and archives their files.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": dict(paths),
        "components": {"schemas": components, "securitySchemes": _security_schemes()},
    }


def _models() -> set[_Model]:
    read = [operation.body.model for operation in OPERATIONS if operation.body] + [one.query for one in OPERATIONS]
    written = [reply.model for operation in OPERATIONS for reply in operation.replies.values()]
    found: set[_Model] = {(model, "validation") for model in read if model is not None}
    return found | {(model, "serialization") for model in [*written, Problem] if model is not None}


def _operation(operation: Operation, schemas: Any) -> Json:
    responses: dict[str, Json] = {
        str(status): _reply(reply, schemas) for status, reply in sorted(operation.replies.items())
    }
    if operation.security is Security.KEY:
        responses["401"] = {"description": _LOCKED}
    problems = (*operation.problems, *_refusals(operation), Interrupted, CallvaultError)
    for status, problem in _problems(problems, schemas):
        # A status can be both a reply and a problem, such as the 503 of health. It then has both contents.
        known = responses.setdefault(status, problem)
        known["content"] = {**known.get("content", {}), **problem["content"]}
    described: Json = {
        "operationId": operation.function,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}{_role_of(operation)}",
        "parameters": [*_parameters(operation)],
        "responses": dict(sorted(responses.items())),
        "security": _security(operation),
    }
    if operation.body is not None:
        described["requestBody"] = _body(operation.body, schemas)
    return described


def _refusals(operation: Operation) -> tuple[type[CallvaultError], ...]:
    """Problems that the app returns before it calls the operation."""
    access = _access(operation)
    roles = () if access.role is None else (RoleRequired,)
    pages = () if access.role is None or access.effect is Effect.NONE else (ForeignPage,)
    bodies = () if operation.body is None else (LengthRequired, BodyTooLarge)
    return (*roles, *pages, *bodies)


def _access(operation: Operation) -> Access:
    return access_to(operation.method, operation.path.removeprefix("/"))


def _role_of(operation: Operation) -> str:
    match _access(operation).role:
        case None:
            return ""
        case Role.OPERATOR as role:
            return f" Requires the app role {role}, or the master key if callers authenticate with keys."
        case role:
            return f" Requires the app role {role}, or a function key if callers authenticate with keys."


def _parameters(operation: Operation) -> Iterable[Json]:
    for one in operation.parameters:
        example = {} if one.example is None else {"example": one.example}
        yield {
            "name": one.name,
            "in": one.where,
            "required": one.where == "path",
            "description": one.description,
            "schema": dict(one.schema),
            **example,
        }
    if operation.query is not None:
        # Each field of a query is a parameter of its own, so the schema is written inline.
        schema = operation.query.model_json_schema(ref_template=_REF, schema_generator=_Untitled)
        describe(operation.query.__name__, schema)
        for name, member in schema["properties"].items():
            given = [one for one in member.pop("anyOf", ()) if one.get("type") != "null"]  # absent rather than null
            described = {"description": member.pop("description")} if "description" in member else {}
            kept = {key: value for key, value in (member | dict(*given)).items() if value is not None}
            # The platform drops empty query values, so an empty value means the same as an absent one.
            place = {"in": "header"} if name.startswith("X-") else {"in": "query", "allowEmptyValue": True}
            required = name in schema.get("required", ())
            yield {"name": name, **place, "required": required, **described, "schema": kept}


def _body(body: Body, schemas: Any) -> Json:
    schema = schemas[body.model, "validation"] if body.model else dict(body.schema or {})
    return {
        "required": body.required,
        "description": body.description,
        "content": {JSON: {"schema": schema, "example": body.example}},
    }


def _reply(reply: Reply, schemas: Any) -> Json:
    described: Json = {"description": reply.description}
    if reply.headers:
        described["headers"] = {name: dict(HEADERS[name]) for name in reply.headers}
    if reply.model is not None:
        schema = schemas[reply.model, "serialization"]
        described["content"] = {reply.media_type: {"schema": schema, "example": reply.example}}
    elif reply.media_type is not None:
        kind = "object" if reply.media_type == JSON else "string"
        described["content"] = {reply.media_type: {"schema": {"type": kind}}}
    return described


def _problems(errors: tuple[type[CallvaultError], ...], schemas: Any) -> Iterable[tuple[str, Json]]:
    by_status: dict[int, list[type[CallvaultError]]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    for status, group in by_status.items():
        content: Json = {
            "schema": schemas[Problem, "serialization"],
            "examples": {error.reason: {"summary": error.title, "value": _example(error)} for error in group},
        }
        described: Json = {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(error.reason for error in group)}.",
            "content": {MEDIA_TYPE: content},
        }
        if status in _MAY_WAIT:
            described["headers"] = {"Retry-After": dict(HEADERS["Retry-After"])}
        yield str(status), described


def _example(error: type[CallvaultError]) -> Json:
    detail = f"{error.title}."
    made = InvalidRequest.of("serverCallId", "is not base64") if error is InvalidRequest else error(detail)
    return Problem.of(made).model_dump(mode="json", exclude_none=True)


def _security(operation: Operation) -> list[Json]:
    """Alternatives: a key or a token. The token's list names the required app role (OpenAPI 3.1, section 4.8.30)."""
    match operation.security:
        case Security.KEY:
            role = _access(operation).role
            key = "masterKey" if role is Role.OPERATOR else "functionKey"
            return [{key: []}, {f"{key}InQuery": []}, {"entraToken": [role]}]
        case Security.TOKEN:
            return [{"callbackToken": []}]
        case Security.NONE:
            return []


def _security_schemes() -> dict[str, Json]:
    def key(where: Literal["header", "query"], name: str, description: str) -> Json:
        return {"type": "apiKey", "in": where, "name": name, "description": description}

    function, master = "A function key or host key of the app, or its master key.", "The app's master key."
    return {
        "functionKey": key("header", "x-functions-key", function),
        "functionKeyInQuery": key("query", "code", function),
        "masterKey": key("header", "x-functions-key", master),
        "masterKeyInQuery": key("query", "code", master),
        "entraToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "If the deployment requires sign-in: an Entra ID token for the app. Its `roles` claim must "
            "contain the role. Recorder includes Reader, and Operator includes both.",
        },
        "callbackToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The token that Azure Communication Services sends with each callback.",
        },
    }
