"""The functions of Bicep that the templates use, and the values that only Azure knows.

Identifiers that Azure computes (guid, uniqueString) are stable and have the right format, but aren't Azure's values.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Self

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
TENANT_ID = "00000000-0000-0000-0000-000000000002"
GROUP = "callvault-rg"
REGION = "westeurope"


# Sample values of properties, so that expressions with them can be evaluated; {name} is the resource's name.
_LOOKS = {
    "properties.primaryEndpoints.blob": "https://{name}.blob.core.windows.net/",
    "properties.primaryEndpoints.queue": "https://{name}.queue.core.windows.net/",
    "properties.primaryEndpoints.table": "https://{name}.table.core.windows.net/",
    "properties.defaultHostName": "{name}.azurewebsites.net",
    "properties.hostName": "{name}.europe.communication.azure.com",
    "properties.endpoint": "https://{name}.westeurope-1.eventgrid.azure.net/api/events",
}
_IDS = ("principalId", "clientId", "immutableResourceId")


class Runtime(str):
    """A value that is known only once its resource is there: the path to it, or how it will look."""

    __slots__ = ("known", "path")
    path: str
    known: Any

    def __new__(cls, path: str, known: Any = None) -> Self:
        """`known` is what the template itself says stands at that place."""
        id_, _, tail = path.partition(".properties.")
        look = _LOOKS.get(f"properties.{tail}", path).format(name=id_.rpartition("/")[2])
        self = super().__new__(cls, str(uuid.uuid5(uuid.NAMESPACE_URL, path)) if path.endswith(_IDS) else look)
        self.path, self.known = path, known
        return self

    def member(self, name: str) -> Any:
        value = self.known.get(name) if isinstance(self.known, Mapping) else None
        plain = isinstance(value, str | int) and not isinstance(value, Runtime)
        return value if plain else Runtime(f"{self.path}.{name}", value)


class Refusal(Exception):
    """A deployment that the template itself ends, by `fail`."""


class Scope(dict[str, Any]):
    """A resource group, as `scope:` takes it and as its properties are read."""

    @classmethod
    def of(cls, name: str) -> "Scope":
        return cls(id=f"{SUBSCRIPTION}/resourceGroups/{name}", name=name, location=REGION)


def holds_runtime(value: Any) -> bool:
    """Whether a value, or a part of it, is known only to Azure."""
    match value:
        case Mapping():
            return any(map(holds_runtime, value.values()))
        case list():
            return any(map(holds_runtime, value))
    return isinstance(value, Runtime)


def resource_id(group: str, type_: str, *names: str) -> str:
    namespace, *kinds = type_.split("/")
    path = "/".join(f"{kind}/{name}" for kind, name in zip(kinds, names, strict=True))
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/{namespace}/{path}"


def text_of(value: Any) -> str:
    """Converts a value to a string like Azure: True and False with a capital, objects as JSON."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, bool | int) else json.dumps(value, separators=(",", ":"))


def _union(*values: Any) -> Any:
    """Objects are merged in depth, the later one wins; arrays keep each element once."""
    if all(isinstance(value, list) for value in values):
        return list({json.dumps(item, sort_keys=True): item for value in values for item in value}.values())
    merged: dict[str, Any] = {}
    for value in values:
        for name, item in value.items():
            both = isinstance(item, Mapping) and isinstance(merged.get(name), Mapping)
            merged[name] = _union(merged[name], item) if both else item
    return merged


def _unique(*values: str) -> str:
    digest = hashlib.sha256("-".join(values).encode()).digest()
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[byte % 32] for byte in digest[:13])


def _fail(reason: str) -> Any:
    raise Refusal(reason)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "concat": lambda *parts: "".join(parts) if isinstance(parts[0], str) else [item for part in parts for item in part],
    "contains": lambda container, item: item in container,
    "empty": lambda value: not value,
    "environment": lambda: {
        "suffixes": {"storage": "core.windows.net"},
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    },
    "fail": _fail,
    "first": lambda values: values[0],
    "guid": lambda *parts: str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(parts))),
    "int": int,
    "join": lambda values, separator: separator.join(values),
    "json": json.loads,
    "length": len,
    "max": max,
    "min": min,
    "newGuid": lambda: str(uuid.uuid5(uuid.NAMESPACE_URL, "newGuid")),
    "objectKeys": list,
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda whole, old, new: whole.replace(old, new),
    "resourceGroup": lambda name=GROUP: Scope.of(name),
    "startsWith": lambda whole, start: whole.lower().startswith(start.lower()),
    "string": text_of,
    "subscription": lambda: {"id": SUBSCRIPTION, "tenantId": TENANT_ID},
    "subscriptionResourceId": lambda type_, name: f"{SUBSCRIPTION}/providers/{type_}/{name}",
    "take": lambda whole, count: whole[:count],
    "tenant": lambda: {"tenantId": TENANT_ID},
    "toLower": str.lower,
    "toUpper": str.upper,
    "union": _union,
    "uniqueString": _unique,
}
LOADERS = frozenset({"loadJsonContent", "loadTextContent"})
