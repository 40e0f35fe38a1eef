"""A function's trigger, from the JSON that the worker reports.

The host doesn't start if a function uses anything that isn't supported here: other triggers, output bindings or
`@app.retry`. The error names the function and the binding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from local.host.configuration.config import Settings
from local.host.errors import ConfigError
from local.host.worker.protocol import FunctionRecord

type AuthLevel = Literal["anonymous", "function", "admin"]

_STORAGE = "AzureWebJobsStorage"


@dataclass(frozen=True, kw_only=True)
class HttpTrigger:
    parameter: str
    route: str
    # Empty: every verb.
    methods: frozenset[str]
    auth_level: AuthLevel


@dataclass(frozen=True, kw_only=True)
class EventGridTrigger:
    parameter: str


@dataclass(frozen=True, kw_only=True)
class QueueTrigger:
    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True, kw_only=True)
class TimerTrigger:
    parameter: str
    schedule: str
    run_on_startup: bool


type Trigger = HttpTrigger | EventGridTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, kw_only=True)
class Function:
    id: str
    name: str
    trigger: Trigger
    disabled: bool
    raw: tuple[Mapping[str, Any], ...]


def functions_of(records: list[FunctionRecord], settings: Settings) -> list[Function]:
    """Raises ConfigError, which names the function, for an unsupported binding or a setting that doesn't exist."""
    if not records:
        raise ConfigError("no functions found: is there a function_app.py with a FunctionApp in it?")
    return [_function(record, settings) for record in records]


def _function(record: FunctionRecord, settings: Settings) -> Function:
    if record.has_retry:
        raise ConfigError(f"function {record.name}: @app.retry is not supported here")
    try:
        bindings = [_trigger(record.name, binding, settings) for binding in record.bindings]
    except ConfigError as error:
        raise ConfigError(f"function {record.name}: {error}") from error
    triggers = [trigger for trigger in bindings if trigger is not None]
    if len(triggers) != 1:
        raise ConfigError(f"function {record.name} must have one trigger, not {len(triggers)}")
    return Function(
        id=record.id,
        name=record.name,
        trigger=triggers[0],
        disabled=settings.is_true(f"AzureWebJobs.{record.name}.Disabled"),
        raw=tuple(record.bindings),
    )


def _trigger(function: str, binding: Mapping[str, Any], settings: Settings) -> Trigger | None:
    """None for the answer of an HTTP trigger."""
    parameter = binding["name"]
    match binding["type"]:
        case "httpTrigger":
            level = str(binding.get("authLevel") or "function").lower()
            if level not in ("anonymous", "function", "admin"):
                raise ConfigError(f"authLevel {level} is not supported")
            return HttpTrigger(
                parameter=parameter,
                route=settings.resolve(binding.get("route") or function).strip("/"),
                methods=frozenset(method.upper() for method in binding.get("methods") or ()),
                auth_level=cast("AuthLevel", level),
            )
        case "eventGridTrigger":
            return EventGridTrigger(parameter=parameter)
        case "queueTrigger":
            return QueueTrigger(
                parameter=parameter,
                queue=settings.resolve(binding["queueName"]),
                connection=binding.get("connection") or _STORAGE,
            )
        case "timerTrigger":
            return TimerTrigger(
                parameter=parameter,
                schedule=settings.resolve(binding["schedule"]),
                run_on_startup=bool(binding.get("runOnStartup")),
            )
        case "http":
            return None
        case other:
            raise ConfigError(f"bindings of type {other} are not supported here")
