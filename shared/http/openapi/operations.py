"""What is said of one operation: the words, models and errors that both documents are made from."""

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

# What may go wrong wherever ACS is asked, and wherever storage is.
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
    """What opens an operation's door."""

    KEY = "functionKey"  # the platform checks it
    TOKEN = "callbackToken"  # noqa: S105 - the name of a scheme: a token of ACS's own, which Callvault checks
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter that no model has."""

    name: str
    where: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any]
    example: str | None = None


@dataclass(frozen=True, kw_only=True)
class Body:
    """A request's body: by the model that reads it, or by a schema where any object may come."""

    description: str
    example: Any
    model: type[BaseModel] | None = None
    schema: Mapping[str, Any] | None = None
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that is no problem. `headers` are names out of HEADERS; no model means no JSON."""

    description: str
    model: type[BaseModel] | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    media_type: str | None = JSON


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One route and verb. `function` is the name in function_app, and the operationId."""

    function: str
    method: Literal["get", "post"]
    path: str
    tag: str
    summary: str
    description: str
    replies: Mapping[int, Reply]
    problems: tuple[type[CallvaultError], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    query: type[BaseModel] | None = None  # each field is a parameter of the query; or a header, if it is an X-…
    body: Body | None = None
    security: Security = field(default=Security.KEY)


HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Location": {"description": "Absolute address to go on at.", "schema": {"type": "string", "format": "uri"}},
    "Retry-After": {
        "description": "Seconds until it is worth asking again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Preference-Applied": {"description": "respond-async.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "no-store where an answer is for the caller alone.", "schema": {"type": "string"}},
}
