"""host.json and local.settings.json, read as Core Tools reads them.

Unknown keys are ignored, as in the real host. An invalid value is refused with the name of its key. The environment
overrides local.settings.json, and an app setting `AzureFunctionsJobHost__a__b` overrides a.b in host.json.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

from local.host.errors import ConfigError

_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?")
_REFERENCE = re.compile(r"%([^%]+)%")
_MAX_BATCH = 32
_HSTS_AGE = timedelta(days=30)
_OVERRIDE = "azurefunctionsjobhost"


@dataclass(frozen=True, kw_only=True)
class QueueOptions:
    batch_size: int = 16
    new_batch_threshold: int = 8
    # Two seconds in Development, a minute in Azure.
    max_polling_interval: timedelta = timedelta(seconds=2)
    visibility_timeout: timedelta = timedelta(0)
    max_dequeue_count: int = 5
    message_encoding: Literal["base64", "none"] = "base64"


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    route_prefix: str = "api"
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    strict_transport: str | None = None  # value of Strict-Transport-Security; None: not sent
    # None: unbounded. The default is Flex Consumption's.
    function_timeout: timedelta | None = timedelta(minutes=30)
    queues: QueueOptions = field(default_factory=QueueOptions)
    log_levels: Mapping[str, str] = field(default_factory=dict)


class Section:
    """A part of host.json. Errors name the key."""

    def __init__(self, values: Any, path: str) -> None:
        if not isinstance(values, dict):
            raise ConfigError(f"host.json: {path or 'the whole'} must be an object")
        self._values = values
        self._path = path

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def wrong(self, key: str, expected: str) -> ConfigError:
        return ConfigError(f"host.json: {self._name(key)} must be {expected}, not {self._values[key]!r}")

    def section(self, key: str) -> "Section":
        return Section(self._values.get(key, {}), self._name(key))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, default: str) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def number(self, key: str, default: int, *, low: int, high: int | None = None) -> int:
        value = self._values.get(key, default)
        if type(value) is not int or value < low or (high is not None and value > high):
            raise self.wrong(key, f"a whole number of at least {low}" + (f" and at most {high}" if high else ""))
        return value

    def flag(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def span(self, key: str, default: timedelta) -> timedelta:
        value = self._values.get(key)
        if value is None:
            return default
        parts = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if parts is None:
            raise self.wrong(key, "a time span (hh:mm:ss)")
        days, hours, minutes, seconds = (float(part or 0) for part in parts.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def texts(self) -> dict[str, str]:
        return {key: self.text(key, "") for key in self._values}


def read_host_json(app: Path, settings: Mapping[str, str]) -> HostConfig:
    whole = Section(_overridden(_read_json(app / "host.json"), settings), "")
    if whole.text("version", "") != "2.0":
        raise ConfigError('host.json: version must be "2.0"')
    extensions = whole.section("extensions")
    http = extensions.section("http")
    bounded = whole.text("functionTimeout", "") != "-1"
    return HostConfig(
        route_prefix=http.text("routePrefix", "api").strip("/"),
        custom_headers=http.section("customHeaders").texts(),
        strict_transport=_strict_transport(http.section("hsts")),
        function_timeout=whole.span("functionTimeout", timedelta(minutes=30)) if bounded else None,
        queues=_queue_options(extensions.section("queues")),
        log_levels=whole.section("logging").section("logLevel").texts(),
    )


def _overridden(content: Any, settings: Mapping[str, str]) -> Any:
    """host.json with the app settings that override its keys, in any casing, as in .NET's configuration."""
    for name, value in settings.items():
        prefix, *path = name.split("__")
        if prefix.lower() != _OVERRIDE or not path or not isinstance(content, dict):
            continue
        section = content
        for key in path[:-1]:
            section = section.setdefault(_as_spelled(section, key), {})
        section[_as_spelled(section, path[-1])] = int(value) if value.isdigit() else value
    return content


def _as_spelled(section: dict[str, Any], key: str) -> str:
    return next((known for known in section if known.lower() == key.lower()), key[:1].lower() + key[1:])


def _strict_transport(hsts: Section) -> str | None:
    if not hsts.flag("isEnabled"):
        return None
    parts = [f"max-age={int(hsts.span('maxAge', _HSTS_AGE).total_seconds())}"]
    parts += [
        name for key, name in (("includeSubDomains", "includeSubDomains"), ("preload", "preload")) if hsts.flag(key)
    ]
    return "; ".join(parts)


def _queue_options(queues: Section) -> QueueOptions:
    default = QueueOptions()
    batch_size = queues.number("batchSize", default.batch_size, low=1, high=_MAX_BATCH)
    encoding = queues.text("messageEncoding", default.message_encoding).lower()
    if encoding not in ("base64", "none"):
        raise queues.wrong("messageEncoding", '"base64" or "none"')
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=queues.number("newBatchThreshold", batch_size // 2, low=0),
        max_polling_interval=queues.span("maxPollingInterval", default.max_polling_interval),
        visibility_timeout=queues.span("visibilityTimeout", default.visibility_timeout),
        max_dequeue_count=queues.number("maxDequeueCount", default.max_dequeue_count, low=1),
        message_encoding=cast("Literal['base64', 'none']", encoding),
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The app settings: the environment, which overrides the `Values` of local.settings.json."""

    values: Mapping[str, str]
    skipped: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def is_true(self, name: str) -> bool:
        return (self.get(name) or "").lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        """Raises ConfigError unless the value is a whole number above 0."""
        text = self.get(name) or str(default)
        if not text.isdecimal() or not int(text):
            raise ConfigError(f"the setting {name} must be a whole number above 0, not {text!r}")
        return int(text)

    def resolve(self, expression: str) -> str:
        """Replaces `%NAME%` by the setting's value. Raises ConfigError if there is no such setting."""

        def value(match: re.Match[str]) -> str:
            found = self.get(match[1])
            if found is None:
                raise ConfigError(f"%{match[1]}% does not resolve to an app setting")
            return found

        return _REFERENCE.sub(value, expression)


def read_settings(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """`file` None: only the environment."""
    local = _values(file) if file is not None else {}
    return Settings(
        values={
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            **local,
            **environment,
        },
        skipped=tuple(name for name in local if name in environment),
    )


def _values(file: Path) -> dict[str, str]:
    content = _read_json(file)
    if not isinstance(content, dict):
        raise ConfigError(f"{file.name} must be a JSON object")
    if content.get("IsEncrypted"):
        raise ConfigError(f"{file.name} is encrypted. Decrypt it with func settings decrypt.")
    values = content.get("Values", {})
    if not isinstance(values, dict):
        raise ConfigError(f"{file.name}: Values must be an object")
    for name, value in values.items():
        if not isinstance(value, str):
            raise ConfigError(f"{file.name}: Values.{name} must be a string")
    return values


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{file.parent} has no {file.name}") from None
    except ValueError as error:
        raise ConfigError(f"{file.name} is not valid JSON: {error}") from error
