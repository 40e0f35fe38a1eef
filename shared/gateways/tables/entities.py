"""Converts records to and from table entities: one property a field, absent where the field is None."""

from collections.abc import Iterable
from dataclasses import MISSING, fields, replace
from enum import Enum
from typing import Any, get_args, get_type_hints

from azure.data.tables import EdmType, EntityProperty
from pydantic.alias_generators import to_camel

from shared.domain.failure import Failure
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState, RecordingState
from shared.errors import Fault, UnreadableRow

RECORDING_ROW = "recording"
CHUNK_ROWS = "chunk-"  # followed by the chunk key

_KEYS = frozenset({"recording_key", "chunk_key", "unreadable", "etag"})  # not properties
_FAILURE = ("fault", "reason", "detail")  # properties of a chunk's failure, in place of one of the field's name
_CONTROLS = frozenset(RecordingState)


def _left_out(record: type[Chunk | Recording]) -> frozenset[str]:
    return _KEYS | {"failure"} if record is Chunk else _KEYS


# Each field that is neither a key nor the ETag, and its property.
_PROPERTIES = {
    record: tuple((item.name, to_camel(item.name)) for item in fields(record) if item.name not in _left_out(record))
    for record in (Chunk, Recording)
}
# What a table may hold for each field. Every enumeration is stored as its text.
_TYPES = {
    record: {
        name: tuple(str if issubclass(one, Enum) else one for one in get_args(hint) or (hint,))
        for name, hint in get_type_hints(record).items()
        if name not in _left_out(record)
    }
    for record in (Chunk, Recording)
}
_NEEDED = {item.name for item in fields(Chunk) if item.default is MISSING} - _KEYS


def chunk_entity(chunk: Chunk) -> dict[str, Any]:
    entity = _entity(chunk, CHUNK_ROWS + chunk.chunk_key)
    if chunk.failure is not None:
        failure = chunk.failure
        entity |= {"fault": failure.fault.value, "reason": failure.reason, "detail": failure.detail}
    return entity


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
    """Raises UnreadableRow for a row that this version can't read, as one in a state of a newer version's."""
    values = _values(Chunk, entity)
    try:
        return Chunk(
            **values | {"state": ChunkState(values["state"])},
            failure=_failure(entity),
            recording_key=entity["PartitionKey"],
            chunk_key=entity["RowKey"].removeprefix(CHUNK_ROWS),
            etag=entity.metadata["etag"],
        )
    except (KeyError, TypeError, ValueError):
        raise UnreadableRow(f"row {entity['RowKey']} of recording {entity['PartitionKey']}: {_why(values)}") from None


def _failure(entity: Any) -> Failure | None:
    fault, reason, detail = map(entity.get, _FAILURE)
    if reason is None:
        return None
    return Failure(fault=Fault(fault or Fault.OURS), reason=str(reason), detail=str(detail or ""))


def to_recording(entity: Any) -> Recording:
    """A state that this version doesn't know is left out: writes of others merge into the row and keep it."""
    values = _values(Recording, entity)
    control = values.pop("control", None)
    return Recording(
        **values,
        recording_key=entity["PartitionKey"],
        control=RecordingState(control) if control in _CONTROLS else None,
        etag=entity.metadata["etag"],
    )


def recording_of(recording_key: str, rows: Iterable[Any]) -> tuple[Recording | None, tuple[Chunk, ...]]:
    """A recording and its chunks, ordered by index, from the rows of its partition.

    What can't be read is left out of both, and named in the recording's `unreadable`.
    """
    recording: Recording | None = None
    chunks: list[Chunk] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            if row["RowKey"] == RECORDING_ROW:
                recording = to_recording(row)
            elif row["RowKey"].startswith(CHUNK_ROWS):
                chunks.append(to_chunk(row))
        except UnreadableRow:
            unreadable.append(row["RowKey"])
    if unreadable:
        recording = replace(recording or Recording(recording_key=recording_key), unreadable=tuple(unreadable))
    return recording, tuple(sorted(chunks, key=lambda chunk: (chunk.index, chunk.document_id)))


def _values(record: type[Chunk | Recording], entity: Any) -> dict[str, Any]:
    """Properties that the record has no field for are passed over, so that a newer version's rows can be read.

    Raises UnreadableRow for a property of another type than its field's.
    """
    found = {name: entity[stored] for name, stored in _PROPERTIES[record] if stored in entity}
    values = {name: item.value if isinstance(item, EntityProperty) else item for name, item in found.items()}
    wrong = [name for name, value in values.items() if not isinstance(value, _TYPES[record][name])]
    if wrong:
        where = f"row {entity['RowKey']} of recording {entity['PartitionKey']}"
        raise UnreadableRow(f"{where}: {', '.join(wrong)} of another type than expected")
    return values


def _why(values: dict[str, Any]) -> str:
    state = values.get("state")
    if state is not None and state not in set(ChunkState):
        return f"the state {state[:32]} isn't known to this version"
    missing = sorted(_NEEDED - values.keys())
    return f"{', '.join(missing)} missing" if missing else "its form isn't known to this version"
