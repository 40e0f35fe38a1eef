"""Converts records to and from table entities. Each field is one property, absent if the field is None."""

from collections.abc import Iterable
from dataclasses import MISSING, fields, replace
from enum import Enum
from typing import Any, NamedTuple, get_args, get_type_hints

from azure.data.tables import EdmType, EntityProperty
from pydantic.alias_generators import to_camel

from shared.domain.failure import Failure
from shared.domain.records import Chunk, Recording
from shared.domain.states import ChunkState, RecordingState
from shared.errors import Fault, UnreadableRow

RECORDING_ROW = "recording"
CHUNK_ROWS = "chunk-"  # followed by the chunk key

_KEYS = frozenset({"recording_key", "chunk_key", "unreadable", "etag"})  # not properties
_FAILURE = ("fault", "reason", "detail")  # a chunk's failure is stored as these three properties
_CONTROLS = frozenset(RecordingState)
_FAULTS = frozenset(Fault)


class WithChunks[R: Recording | None](NamedTuple):
    """A recording, None if it has no row, and its chunks, ordered by index."""

    recording: R
    chunks: tuple[Chunk, ...]


def _left_out(record: type[Chunk | Recording]) -> frozenset[str]:
    return _KEYS | {"failure"} if record is Chunk else _KEYS


# Each field that is stored as a property, and the property's name.
_PROPERTIES = {
    record: tuple((item.name, to_camel(item.name)) for item in fields(record) if item.name not in _left_out(record))
    for record in (Chunk, Recording)
}
# The types that a table may have for each field. Enums are stored as text.
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
        return EntityProperty(value, EdmType.INT64)  # sizes may exceed 2 GiB
    return value


def to_chunk(entity: Any) -> Chunk:
    """Raises UnreadableRow for a row that this version can't read, such as one in a state of a newer version."""
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
    known = Fault(fault) if fault in _FAULTS else Fault.OURS  # a newer version's fault must not hide the chunk
    return Failure(fault=known, reason=str(reason), detail=str(detail or ""))


def to_recording(entity: Any) -> Recording:
    """A state that this version doesn't know is left out. It stays in the row, because writes are merged."""
    values = _values(Recording, entity)
    control = values.pop("control", None)
    return Recording(
        **values,
        recording_key=entity["PartitionKey"],
        control=RecordingState(control) if control in _CONTROLS else None,
        etag=entity.metadata["etag"],
    )


def recording_of(recording_key: str, rows: Iterable[Any]) -> WithChunks[Recording | None]:
    """A recording and its chunks, from the rows of its partition.

    Rows that can't be read are left out, and their keys are in the recording's `unreadable`.
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
    return WithChunks(recording, tuple(sorted(chunks, key=lambda chunk: (chunk.index, chunk.document_id))))


def _values(record: type[Chunk | Recording], entity: Any) -> dict[str, Any]:
    """The values of a record's fields. Other properties are ignored, so that rows of a newer version can be read.

    Raises UnreadableRow if a property has another type than its field.
    """
    found = {name: entity[stored] for name, stored in _PROPERTIES[record] if stored in entity}
    values = {name: item.value if isinstance(item, EntityProperty) else item for name, item in found.items()}
    wrong = [name for name, value in values.items() if not isinstance(value, _TYPES[record][name])]
    if wrong:
        where = f"row {entity['RowKey']} of recording {entity['PartitionKey']}"
        raise UnreadableRow(f"{where}: {', '.join(wrong)} of an unexpected type")
    return values


def _why(values: dict[str, Any]) -> str:
    state = values.get("state")
    if state is not None and state not in set(ChunkState):
        return f"the state {state[:32]} isn't known to this version"
    missing = sorted(_NEEDED - values.keys())
    return f"{', '.join(missing)} missing" if missing else "its format isn't known to this version"
