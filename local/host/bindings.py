"""A function's bindings, from the JSON the worker reports to typed triggers and outputs.

What this host can't run is refused by name when the app is loaded, never ignored: a function either has its trigger
and all of its outputs here, or the host does not start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from local.host.config import Settings
from local.host.errors import ConfigError
from local.host.protocol import FunctionRecord

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
    binary: bool


@dataclass(frozen=True, kw_only=True)
class TimerTrigger:
    parameter: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool


type Trigger = HttpTrigger | EventGridTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, kw_only=True)
class QueueOutput:
    """`parameter` is `$return` where the function's return value is the message."""

    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True, kw_only=True)
class Retry:
    """The policy of `@app.retry`; seconds. `maximum` 0: the delay is fixed."""

    count: int
    minimum: float
    maximum: float

    def delay(self, attempt: int) -> float:
        """Before the given retry, counted from 1: fixed, or doubling from the minimum to the maximum."""
        return min(self.minimum * 2 ** (attempt - 1), self.maximum) if self.maximum else self.minimum


@dataclass(frozen=True, kw_only=True)
class Function:
    id: str
    name: str
    trigger: Trigger
    outputs: tuple[QueueOutput, ...]
    retry: Retry | None
    disabled: bool
    raw: tuple[Mapping[str, Any], ...]


def functions_of(records: list[FunctionRecord], settings: Settings) -> list[Function]:
    """Raises ConfigError naming the function, for what can't be run here or doesn't resolve."""
    if not records:
        raise ConfigError("no functions found: is there a function_app.py with a FunctionApp in it?")
    return [_function(record, settings) for record in records]


def _function(record: FunctionRecord, settings: Settings) -> Function:
    try:
        bound = [_bound(record.name, binding, settings) for binding in record.bindings]
    except ConfigError as error:
        raise ConfigError(f"function {record.name}: {error}") from error
    triggers = [
        binding
        for binding in bound
        if isinstance(binding, HttpTrigger | EventGridTrigger | QueueTrigger | TimerTrigger)
    ]
    if len(triggers) != 1:
        raise ConfigError(f"function {record.name} must have one trigger, not {len(triggers)}")
    return Function(
        id=record.id,
        name=record.name,
        trigger=triggers[0],
        outputs=tuple(binding for binding in bound if isinstance(binding, QueueOutput)),
        retry=_retry(record.retry),
        disabled=settings.is_true(f"AzureWebJobs.{record.name}.Disabled"),
        raw=tuple(record.bindings),
    )


def _bound(function: str, binding: Mapping[str, Any], settings: Settings) -> Trigger | QueueOutput | None:
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
                binary=str(binding.get("dataType")).lower() == "binary",
            )
        case "timerTrigger":
            return TimerTrigger(
                parameter=parameter,
                schedule=settings.resolve(binding["schedule"]),
                run_on_startup=bool(binding.get("runOnStartup")),
                use_monitor=binding.get("useMonitor") is not False,
            )
        case "queue":
            return QueueOutput(
                parameter=parameter,
                queue=settings.resolve(binding["queueName"]),
                connection=binding.get("connection") or _STORAGE,
            )
        case "http":
            return None  # the answer of an HTTP trigger
        case other:
            raise ConfigError(f"bindings of type {other} are not supported here")


def _retry(options: Mapping[str, Any] | None) -> Retry | None:
    if options is None:
        return None
    if options["retry_strategy"] == "fixed_delay":
        return Retry(count=options["max_retry_count"], minimum=options["delay_interval"], maximum=0)
    return Retry(
        count=options["max_retry_count"], minimum=options["minimum_interval"], maximum=options["maximum_interval"]
    )
