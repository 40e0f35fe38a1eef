"""Entities in memory come out as the SDK's own conversions make them, for every type."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from azure.data.tables import EdmType, EntityProperty, TableEntity
from azure.data.tables._deserialize import TablesEntityDatetime, _convert_to_entity
from azure.data.tables._serialize import _add_entity_properties

from local.memory.storage.conversions import received, sent

_MADRID = timezone(timedelta(hours=1))
_TIMESTAMP = "2026-11-21T10:00:00.1234560Z"


class Color(StrEnum):
    RED = "red"


def _read_before() -> datetime:
    made = TablesEntityDatetime(2026, 11, 21, 10, tzinfo=UTC)
    made._service_value = "2026-11-21T10:00:00.1234567Z"  # type: ignore[attr-defined]  # noqa: SLF001 - as the SDK does
    return made


VALUES: list[Any] = [
    *("", "text", "ü𝄞", Color.RED, True, False, 0, -1, 2**31 - 1, -(2**31), 1.5, float("inf"), b"bytes", None),
    *(datetime(2026, 11, 21, 10, tzinfo=UTC), datetime(2026, 11, 21, 10, 0, 0, 5, tzinfo=_MADRID), _read_before()),
    *(UUID(int=7), EntityProperty(2**40, EdmType.INT64), EntityProperty(7, EdmType.INT64), (7, "Edm.Int64")),
    *(EntityProperty(7, EdmType.INT32), EntityProperty("7", EdmType.INT64), EntityProperty(None, EdmType.INT64)),
]


def _by_sdk(value: Any) -> TableEntity:
    stored = _add_entity_properties({"PartitionKey": "p", "RowKey": "r", "a": value, "b": "other"})
    return _convert_to_entity({**stored, "odata.etag": "etag", "Timestamp": _TIMESTAMP})  # type: ignore[no-any-return, no-untyped-call]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_from_the_sdk(value: Any):
    wanted = _by_sdk(value)
    found = received(sent({"PartitionKey": "p", "RowKey": "r", "a": value, "b": "other"}), "etag", _TIMESTAMP)
    assert (found, found.metadata) == (wanted, wanted.metadata)
    assert [type(one) for one in found.values()] == [type(one) for one in wanted.values()]
    assert getattr(found.get("a"), "tables_service_value", "") == getattr(wanted.get("a"), "tables_service_value", "")


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, EntityProperty(2**63, EdmType.INT64), [1], {"a": 1}], ids=repr)
def test_a_value_that_the_sdk_refuses_is_refused(value: Any):
    with pytest.raises(TypeError):
        _add_entity_properties({"a": value})
    with pytest.raises(TypeError):
        sent({"a": value})
