"""How the records of shared.records lie in Table Storage: one property a field, absent where the field is None."""

from dataclasses import fields
from enum import Enum
from typing import Any

from azure.data.tables import EdmType, EntityProperty
from pydantic.alias_generators import to_camel

from shared.records import Chunk, Recording
from shared.states import ChunkState, RecordingState

RECORDING_ROW = "recording"
CHUNK_ROWS = "chunk-"  # followed by the chunk key

_KEYS = frozenset({"recording_key", "chunk_key", "etag"})
# Each field that is neither a key nor the ETag, and its property.
_PROPERTIES = {
    record: tuple((item.name, to_camel(item.name)) for item in fields(record) if item.name not in _KEYS)
    for record in (Chunk, Recording)
}


def chunk_entity(chunk: Chunk) -> dict[str, Any]:
    return _entity(chunk, CHUNK_ROWS + chunk.chunk_key)


def recording_entity(recording: Recording) -> dict[str, Any]:
    return _entity(recording, RECORDING_ROW)


def _entity(record: Chunk | Recording, row_key: str) -> dict[str, Any]:
    entity: dict[str, Any] = {"PartitionKey": record.recording_key, "RowKey": row_key}
    for name, stored in _PROPERTIES[type(record)]:
        value = getattr(record, name)
        if value is not None:
            entity[stored] = _property(value)
    return entity


def _property(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int) and not isinstance(value, bool):
        return EntityProperty(value, EdmType.INT64)  # sizes pass 2 GiB
    return value


def to_chunk(entity: Any) -> Chunk:
    values = _values(Chunk, entity)
    return Chunk(
        **values | {"state": ChunkState(values["state"])},
        recording_key=entity["PartitionKey"],
        chunk_key=entity["RowKey"].removeprefix(CHUNK_ROWS),
        etag=entity.metadata["etag"],
    )


def to_recording(entity: Any) -> Recording:
    values = _values(Recording, entity)
    control = values.pop("control", None)
    return Recording(
        **values,
        recording_key=entity["PartitionKey"],
        control=RecordingState(control) if control else None,
        etag=entity.metadata["etag"],
    )


def _values(record: type[Chunk | Recording], entity: Any) -> dict[str, Any]:
    """Properties that the record has no field for are passed over, so that a newer version's rows can be read."""
    found = {name: entity[stored] for name, stored in _PROPERTIES[record] if stored in entity}
    return {name: item.value if isinstance(item, EntityProperty) else item for name, item in found.items()}
