"""The OpenAPI 3.1 document. Schemas are what pydantic makes of the models; the rest is the table, written out."""

from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

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
from shared.http.openapi.operations import HEADERS, JSON, Body, Operation, Reply, Security
from shared.http.openapi.table import OPERATIONS

type Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_LOCKED = (
    "No key, a wrong one, or one of too low a level: the platform says no more. Where callers sign in, no token of "
    "Entra ID: the platform's answer, or the problem sign-in-required."
)
_MAY_WAIT = frozenset({409, 429, 502, 503, 504})  # problems that come with Retry-After when its length is known

type _Model = tuple[type[BaseModel], JsonSchemaMode]


class _Untitled(GenerateJsonSchema):
    """Without pydantic's titles, which repeat each field's name with its humps cut off."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def openapi(server: str, version: str) -> Json:
    """The document for an app whose routes begin at `server`."""
    schemas, definitions = models_json_schema(sorted(_models(), key=str), ref_template=_REF, schema_generator=_Untitled)
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
        "servers": [{"url": server}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": dict(paths),
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": _security_schemes()},
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
    problems = (*operation.problems, *_of_the_door(operation), Interrupted, CallvaultError)
    for status, problem in _problems(problems, schemas):
        # A status that is an answer already, as health's 503, comes with either content.
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


def _of_the_door(operation: Operation) -> tuple[type[CallvaultError], ...]:
    """What the app answers before the operation is asked."""
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
            return f" Requires the app role {role}; where a key is required, the master key."
        case role:
            return f" Requires the app role {role}; where a key is required, a function key."


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
        # A query's members are parameters of their own, so its schema is written out where it is used.
        schema = operation.query.model_json_schema(ref_template=_REF, schema_generator=_Untitled)
        for name, member in schema["properties"].items():
            given = [one for one in member.pop("anyOf", ()) if one.get("type") != "null"]  # absent, and never null
            described = {"description": member.pop("description")} if "description" in member else {}
            kept = {key: value for key, value in (member | dict(*given)).items() if value is not None}
            # The platform drops a query's empty values, so they are as good as absent.
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
    """Alternatives: a key, or a token. The list of the token's scheme names the app role (OpenAPI 3.1, 4.8.30)."""
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
            "description": "Where callers sign in: a token of Entra ID for the app. Its `roles` claim must name the "
            "role. Recorder includes Reader, and Operator includes both.",
        },
        "callbackToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The token with which Azure Communication Services signs its callbacks.",
        },
    }
