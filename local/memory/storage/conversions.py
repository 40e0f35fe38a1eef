"""How entities are sent to Table Storage and come back: the SDK's own conversions, without their cost for the types
that the product uses.

A test compares both with the SDK's functions, for every type. Strings carry no type here, as in the service's answers.
"""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from azure.data.tables import EdmType, EntityProperty, TableEntity
from azure.data.tables._deserialize import TablesEntityDatetime, _convert_to_entity
from azure.data.tables._serialize import _add_entity_properties

TYPE = "@odata.type"
MOMENT = str(EdmType.DATETIME.value)
LARGE = str(EdmType.INT64.value)
_LARGEST = 2**31
_MOMENTS = 20_000  # that are kept, because most of them are written and read several times

type Entity = dict[str, Any]


def sent(entity: Mapping[str, Any]) -> Entity:
    """The entity as the SDK sends it. Raises TypeError for a type that Table Storage doesn't have."""
    found: Entity = {}
    for name, value in entity.items():
        kind = type(value)
        if kind is str or kind is bool or (kind is int and -_LARGEST <= value < _LARGEST):
            found[name] = value
        elif kind is TablesEntityDatetime:
            found[name], found[name + TYPE] = value.tables_service_value or moment(value), MOMENT
        elif kind is datetime:
            found[name], found[name + TYPE] = moment(value), MOMENT
        elif kind is EntityProperty and value.edm_type is EdmType.INT64 and type(value.value) is int:
            found[name], found[name + TYPE] = _large(value.value), LARGE
        elif isinstance(value, Enum):
            found[name] = str(value)
        elif value is not None:
            found |= _add_entity_properties({name: value})
    return found


def received(entity: Mapping[str, Any], etag: str, timestamp: str) -> TableEntity:
    """The entity as the SDK gives it to its caller."""
    found = TableEntity()
    for name, value in entity.items():
        if name.endswith(TYPE):
            continue
        kind = entity.get(name + TYPE)
        if kind is None:
            found[name] = value
        elif kind == MOMENT:
            found[name] = read_moment(value)
        elif kind == LARGE:
            found[name] = EntityProperty(int(value), EdmType.INT64)
        else:
            found |= _convert_to_entity({name: value, name + TYPE: kind})  # type: ignore[no-untyped-call]
    found._metadata = {"etag": etag, "timestamp": read_moment(timestamp)}  # noqa: SLF001 - as the SDK does
    return found


def _large(value: int) -> str:
    if not -(2**63) <= value < 2**63:
        raise TypeError(f"{value} is too large to be cast to type {LARGE}.")
    return str(value)


@functools.lru_cache(_MOMENTS)
def moment(value: datetime) -> str:
    """A time as the SDK writes it."""
    return f"{value.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


@functools.lru_cache(_MOMENTS)
def read_moment(text: str) -> datetime:
    """A time as the SDK reads it, which keeps the text as well."""
    found = TablesEntityDatetime.fromisoformat(text)
    found._service_value = text  # type: ignore[attr-defined]  # noqa: SLF001 - as the SDK does
    return found
