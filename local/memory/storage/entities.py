"""The state of a table: entities in the order of their keys, as the SDK sends them."""

import bisect
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.data.tables import TableEntity, UpdateMode

from local.memory.storage.account import Account
from local.memory.storage.conversions import TYPE, Entity, moment, received
from local.memory.storage.filters import Passes
from local.memory.storage.refusals import Refused

_STRING_CHARACTERS = 32 * 1024  # UTF-16 units: 64 KiB
_ENTITY_BYTES = 1024 * 1024
_PROPERTIES = 252
_KEY_CHARACTERS = 512
_KEY_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")

type Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """One entity, its ETag, and when it was last written."""

    entity: Entity
    etag: str
    timestamp: str

    def answer(self, select: list[str] | None) -> TableEntity:
        """As the service answers: a property that is selected and absent is null."""
        found = self.entity
        if select is None:
            whole = TableEntity(self._whole)
            whole._metadata = {**self._whole.metadata}  # noqa: SLF001 - as the SDK does
            return whole
        typed = {name + TYPE: found[name + TYPE] for name in select if name + TYPE in found}
        return received({name: found.get(name) for name in select} | typed, self.etag, self.timestamp)

    @functools.cached_property
    def _whole(self) -> TableEntity:
        """All properties: a row is read several times."""
        return received(self.entity, self.etag, self.timestamp)


@dataclass
class Table:
    """Rows by their keys. Raises Refused for what Table Storage refuses, and changes nothing then."""

    account: Account
    rows: dict[Key, Row] = field(default_factory=dict)
    _keys: list[Key] = field(default_factory=list)  # in order

    def find(self, key: Key, wanted: str | None = None) -> Row:
        row = self.rows.get(key)
        if row is None:
            raise Refused(404, "ResourceNotFound")
        if wanted not in (None, "*", row.etag):
            raise Refused(412, "UpdateConditionNotSatisfied")
        return row

    def page(self, start: Key | None, most: int, passes: Passes) -> tuple[Key | None, list[Row]]:
        """Rows from a key on, and the key of the next row if there are more."""
        found: list[Row] = []
        for key in self._keys[bisect.bisect_left(self._keys, start) if start else 0 :]:
            row = self.rows[key]
            if passes(row.entity, row.timestamp):
                if len(found) == most:
                    return key, found
                found.append(row)
        return None, found

    def insert(self, sent: Entity) -> Entity:
        if key_of_entity(sent) in self.rows:
            raise Refused(409, "EntityAlreadyExists")
        return self._write(sent)

    def upsert(self, sent: Entity, mode: UpdateMode) -> Entity:
        row = self.rows.get(key_of_entity(sent))
        return self._write(_merged(row.entity, sent) if row and mode == UpdateMode.MERGE else sent)

    def update(self, sent: Entity, mode: UpdateMode, wanted: str | None) -> Entity:
        row = self.find(key_of_entity(sent), wanted)
        return self._write(_merged(row.entity, sent) if mode == UpdateMode.MERGE else sent)

    def delete(self, key: Key, wanted: str | None) -> Entity:
        self.find(key, wanted)
        self._put(key, None)
        return {}

    def together(self, parts: list[tuple[Key, Callable[[], Entity]]]) -> list[Entity]:
        """Does all parts of a transaction, or none. Raises TableTransactionError, which names the part that failed."""
        before = [(key, self.rows.get(key)) for key, _ in parts]
        answers: list[Entity] = []
        for index, (_, part) in enumerate(parts):
            try:
                answers.append(part())
            except Refused as refused:
                for key, row in before:
                    self._put(key, row)
                raise refused.refusal.of_transaction(index) from None
        return answers

    def _write(self, entity: Entity) -> Entity:
        _check(entity)
        timestamp = f"{moment(self.account.now())[:-1]}0Z"
        # Azure's ETag is the time in ticks of 100 ns, which differs at each write; a clock by hand shows one time.
        etag = f"W/\"datetime'{timestamp.replace(':', '%3A')}'{self.account.new_id()}\""
        self._put(key_of_entity(entity), Row(entity, etag, timestamp))
        return {"etag": etag}

    def _put(self, key: Key, row: Row | None) -> None:
        if row is None:
            if self.rows.pop(key, None) is not None:
                del self._keys[bisect.bisect_left(self._keys, key)]
            return
        if key not in self.rows:
            bisect.insort(self._keys, key)
        self.rows[key] = row


def key_of_entity(sent: Mapping[str, Any]) -> Key:
    return sent["PartitionKey"], sent["RowKey"]


def size_of(entity: Mapping[str, Any]) -> int:
    """Bytes, by the documented rule as far as the product's types go."""
    size = 0
    for name, value in entity.items():
        if not name.endswith(TYPE):
            size += 2 * _units(name) + 8 + (2 * _units(value) + 4 if isinstance(value, str) else 8)
    return size


def _merged(current: Entity, sent: Entity) -> Entity:
    retyped = {name + TYPE for name in sent}
    return {name: value for name, value in current.items() if name not in retyped} | sent


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _check(entity: Entity) -> None:
    for key in key_of_entity(entity):
        if _units(key) > _KEY_CHARACTERS:
            raise Refused(400, "PropertyValueTooLarge")
        if _KEY_FORBIDDEN.search(key):
            raise Refused(400, "OutOfRangeInput")
    size = size_of(entity)
    if size > _STRING_CHARACTERS and any(
        isinstance(value, str) and _units(value) > _STRING_CHARACTERS for value in entity.values()
    ):
        raise Refused(400, "PropertyValueTooLarge")
    if len(entity) > _PROPERTIES and sum(not name.endswith(TYPE) for name in entity) > _PROPERTIES + 2:
        raise Refused(400, "TooManyProperties")
    if size > _ENTITY_BYTES:
        raise Refused(400, "EntityTooLarge")
