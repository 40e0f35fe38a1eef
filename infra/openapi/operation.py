"""The description of one operation: its texts, models and errors. Both documents are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel

from shared.errors import (
    ApplicationForbidden,
    CallvaultError,
    DestinationError,
    DestinationForbidden,
    DestinationUnavailable,
    NotSupported,
    SourceFailing,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceTimedOut,
    SourceUnauthorized,
    SourceUnavailable,
)

JSON = "application/json"

# Errors of every operation that calls ACS, and of every operation that uses storage.
ACS: tuple[type[CallvaultError], ...] = (
    SourceThrottled,
    SourceGarbled,
    SourceFailing,
    SourceRefused,
    SourceUnauthorized,
    SourceUnavailable,
    SourceTimedOut,
    ApplicationForbidden,
    NotSupported,
)
STORAGE: tuple[type[CallvaultError], ...] = (DestinationUnavailable, DestinationForbidden, DestinationError)


class Security(StrEnum):
    """How a caller authenticates to an operation."""

    KEY = "functionKey"  # checked by the platform
    TOKEN = "callbackToken"  # noqa: S105 - the name of a scheme: a token that ACS signs and Callvault verifies
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter that isn't a field of a model."""

    name: str
    where: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any]
    example: str | None = None


@dataclass(frozen=True, kw_only=True)
class Body:
    """A request's body, described by the model that parses it, or by a schema if any object is accepted."""

    description: str
    example: Any
    model: type[BaseModel] | None = None
    schema: Mapping[str, Any] | None = None
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A response that isn't a problem. `headers` are keys of HEADERS. Without a model, no schema is given."""

    description: str
    model: type[BaseModel] | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    media_type: str | None = JSON


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One route and method. `function` is the function's name in function_app and the operationId."""

    function: str
    method: Literal["get", "post"]
    path: str
    tag: str
    summary: str
    description: str
    replies: Mapping[int, Reply]
    problems: tuple[type[CallvaultError], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    query: type[BaseModel] | None = None  # each field is a query parameter, or a header if its name begins with X-
    body: Body | None = None
    security: Security = field(default=Security.KEY)


HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Location": {"description": "Absolute URL of the next request.", "schema": {"type": "string", "format": "uri"}},
    "Retry-After": {
        "description": "Seconds to wait before the next request.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Preference-Applied": {
        "description": "The preference that was applied: `respond-async`.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {"description": "`no-store` if caches must not keep the response.", "schema": {"type": "string"}},
}
