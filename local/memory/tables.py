"""Table Storage in memory. Entities are kept as the SDK sends them and are read back by the SDK's own conversions."""

import bisect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, cast
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged, AsyncList
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables._deserialize import _convert_to_entity
from azure.data.tables._serialize import _add_entity_properties, _get_match_condition, _parameter_filter_substitution

from local.memory.account import Account, Operation, Service, check_options
from local.memory.filters import read_filter
from local.memory.refusals import Refused

_PAGE = 1000  # entities in a response at most
_OPERATIONS = 100  # in a transaction at most
_TRANSACTION_BYTES = 4 * 1024 * 1024
_STRING_CHARACTERS = 32 * 1024  # UTF-16 units: 64 KiB
_ENTITY_BYTES = 1024 * 1024
_PROPERTIES = 252
_KEY_CHARACTERS = 512
_KEY_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_TYPE = "@odata.type"
_RETRIED = frozenset({"GET", "PUT", "DELETE"})  # by default; not a POST or PATCH whose connection broke
Key = tuple[str, str]


@dataclass
class _Row:
    entity: dict[str, Any]
    etag: str
    timestamp: str


@dataclass
class _Table:
    rows: dict[Key, _Row] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)  # in order

    def put(self, key: Key, row: _Row) -> None:
        if key not in self.rows:
            bisect.insort(self.keys, key)
        self.rows[key] = row

    def drop(self, key: Key) -> None:
        if self.rows.pop(key, None) is not None:
            del self.keys[bisect.bisect_left(self.keys, key)]


class MemoryTableClient:
    """One table, as azure.data.tables.aio.TableClient."""

    def __init__(self, account: Account, table_name: str) -> None:
        self._account, self.table_name = account, table_name

    async def create_table(self) -> None:
        self._account.tables.setdefault(self.table_name, _Table())

    async def create_entity(self, entity: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        sent = _add_entity_properties(entity)
        operation = self._operation("create_entity", "POST", options)
        try:
            return await self._account.turn(operation, lambda: self._insert(sent))
        except Refused as refused:
            raise refused.refusal.of_insert() from None

    async def upsert_entity(
        self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **options: Any
    ) -> dict[str, Any]:
        sent = _add_entity_properties(entity)
        operation = self._operation("upsert_entity", _method(mode), options)
        return await self._write(operation, lambda: self._upsert(sent, mode))

    async def update_entity(
        self,
        entity: Mapping[str, Any],
        mode: UpdateMode = UpdateMode.MERGE,
        *,
        etag: str | None = None,
        match_condition: MatchConditions | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        sent, wanted = _add_entity_properties(entity), _condition(entity, etag, match_condition)
        operation = self._operation("update_entity", _method(mode), options)
        return await self._write(operation, lambda: self._update(sent, mode, wanted))

    async def delete_entity(
        self,
        partition_key: str | Mapping[str, Any],
        row_key: str | None = None,
        *,
        etag: str | None = None,
        match_condition: MatchConditions | None = None,
        **options: Any,
    ) -> None:
        """As the SDK does, raises nothing if the entity or the table doesn't exist."""
        entity = partition_key if isinstance(partition_key, Mapping) else None
        key = (entity["PartitionKey"], entity["RowKey"]) if entity else (str(partition_key), str(row_key))
        wanted = _condition(entity, etag, match_condition)

        def apply() -> dict[str, Any]:
            try:
                return self._delete(key, wanted)
            except Refused as refused:
                if refused.refusal.code in ("ResourceNotFound", "TableNotFound"):
                    return {}
                raise

        await self._write(self._operation("delete_entity", "DELETE", options), apply)

    async def get_entity(
        self, partition_key: str, row_key: str, *, select: list[str] | None = None, **options: Any
    ) -> TableEntity:
        key = (partition_key, row_key)
        operation = self._operation("get_entity", "GET", options)
        found = await self._write(operation, lambda: _answer(self._found(key), select))
        return _entity(found)

    def query_entities(
        self,
        query_filter: str,
        *,
        parameters: dict[str, Any] | None = None,
        select: list[str] | None = None,
        results_per_page: int | None = None,
        **options: Any,
    ) -> AsyncItemPaged[TableEntity]:
        passes = read_filter(_parameter_filter_substitution(parameters, query_filter))
        operation = self._operation("query_entities", "GET", options)
        most = min(results_per_page or _PAGE, _PAGE)

        def page(start: Key | None) -> tuple[Key | None, list[dict[str, Any]]]:
            table, found = self._table(), list[dict[str, Any]]()
            for key in table.keys[bisect.bisect_left(table.keys, start) if start else 0 :]:
                row = table.rows[key]
                if passes({**row.entity, "Timestamp": row.timestamp}):
                    if len(found) == most:
                        return key, found
                    found.append(_answer(row, select))
            return None, found

        async def get_next(start: Key | None) -> Any:
            return await self._write(operation, lambda: page(start))

        async def extract(answer: tuple[Key | None, list[dict[str, Any]]]) -> Any:
            following, found = answer
            return following, AsyncList([_entity(one) for one in found])

        return AsyncItemPaged(get_next, extract)

    async def submit_transaction(self, operations: Iterable[Any], **options: Any) -> list[dict[str, Any]]:
        applies = [self._part(*one) for one in operations]
        if len({key[0] for key, _, _ in applies}) > 1:
            raise ValueError("Partition Keys in the batch must all be the same.")

        def apply() -> list[dict[str, Any]]:
            _check_transaction(applies)
            table: _Table = self._account.tables.get(self.table_name, _Table())
            before = [(key, table.rows.get(key)) for key, _, _ in applies]
            answers: list[dict[str, Any]] = []
            for index, (_, _, one) in enumerate(applies):
                try:
                    answers.append(one())
                except Refused as refused:
                    for key, row in before:
                        table.put(key, row) if row else table.drop(key)
                    raise refused.refusal.of_transaction(index) from None
            return answers

        return await self._account.turn(self._operation("submit_transaction", "POST", options), apply)

    def _part(
        self, name: str, entity: Mapping[str, Any], named: Mapping[str, Any] | None = None
    ) -> tuple[Key, int, Callable[[], dict[str, Any]]]:
        """The key, size and work of one operation in a transaction."""
        sent, named = _add_entity_properties(entity), dict(named or {})
        mode = named.pop("mode", UpdateMode.MERGE)
        wanted = _condition(entity, named.pop("etag", None), named.pop("match_condition", None))
        check_options(named)
        key = _key(sent)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "create": lambda: self._insert(sent),
            "upsert": lambda: self._upsert(sent, mode),
            "update": lambda: self._update(sent, mode, wanted),
            "delete": lambda: self._delete(key, wanted),
        }
        return key, _size(sent), parts[name]

    def _operation(self, name: str, method: str, options: dict[str, Any]) -> Operation:
        retried = options.pop("retry_on_methods", _RETRIED)
        check_options(options)
        return Operation(
            service=Service.TABLE,
            method=name,
            target=self.table_name,
            writes=method != "GET",
            is_retried=method in retried,
        )

    async def _write[T](self, operation: Operation, apply: Callable[[], T]) -> T:
        try:
            return await self._account.turn(operation, apply)
        except Refused as refused:
            raise refused.refusal.of_table() from None

    def _table(self) -> _Table:
        table: _Table | None = self._account.tables.get(self.table_name)
        if table is None:
            raise Refused(404, "TableNotFound")
        return table

    def _found(self, key: Key) -> _Row:
        row = self._table().rows.get(key)
        if row is None:
            raise Refused(404, "ResourceNotFound")
        return row

    def _insert(self, sent: dict[str, Any]) -> dict[str, Any]:
        if _key(sent) in self._table().rows:
            raise Refused(409, "EntityAlreadyExists")
        return self._put(sent)

    def _upsert(self, sent: dict[str, Any], mode: UpdateMode) -> dict[str, Any]:
        row = self._table().rows.get(_key(sent))
        return self._put(_merged(row.entity, sent) if row and mode == UpdateMode.MERGE else sent)

    def _update(self, sent: dict[str, Any], mode: UpdateMode, wanted: str | None) -> dict[str, Any]:
        row = self._matching(_key(sent), wanted)
        return self._put(_merged(row.entity, sent) if mode == UpdateMode.MERGE else sent)

    def _delete(self, key: Key, wanted: str | None) -> dict[str, Any]:
        self._matching(key, wanted)
        self._table().drop(key)
        return {}

    def _matching(self, key: Key, wanted: str | None) -> _Row:
        row = self._found(key)
        if wanted not in (None, "*", row.etag):
            raise Refused(412, "UpdateConditionNotSatisfied")
        return row

    def _put(self, entity: dict[str, Any]) -> dict[str, Any]:
        _check_entity(entity)
        timestamp = f"{self._account.now().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
        # Azure's ETag is the time in ticks of 100 ns, which differs at each write; a clock by hand stands still.
        etag = f"W/\"datetime'{quote(timestamp)}'{self._account.new_id()}\""
        self._table().put(_key(entity), _Row(entity, etag, timestamp))
        return {"etag": etag}


class MemoryTableServiceClient:
    """The tables of an account, as azure.data.tables.aio.TableServiceClient."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def get_table_client(self, table_name: str) -> MemoryTableClient:
        return MemoryTableClient(self._account, table_name)

    async def close(self) -> None:
        """Holds nothing open."""


def _method(mode: UpdateMode) -> str:
    return "PUT" if mode == UpdateMode.REPLACE else "PATCH"


def _condition(entity: Any, etag: str | None, match_condition: MatchConditions | None) -> str | None:
    """The ETag that an entity must have, None for any."""
    if match_condition and not etag and isinstance(entity, TableEntity):
        etag = entity.metadata["etag"]
    _get_match_condition(etag, match_condition or MatchConditions.Unconditionally)  # type: ignore[no-untyped-call]
    return etag


def _entity(answer: dict[str, Any]) -> TableEntity:
    return cast("TableEntity", _convert_to_entity(answer))  # type: ignore[no-untyped-call]


def _key(sent: Mapping[str, Any]) -> Key:
    return sent["PartitionKey"], sent["RowKey"]


def _merged(standing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    retyped = {name + _TYPE for name in sent}
    return {name: value for name, value in standing.items() if name not in retyped} | sent


def _answer(row: _Row, select: list[str] | None) -> dict[str, Any]:
    """As the service answers: a property that is selected and absent is null."""
    found = row.entity
    if select is not None:
        typed = {name + _TYPE: found[name + _TYPE] for name in select if name + _TYPE in found}
        found = {name: found.get(name) for name in select} | typed
    return {**found, "odata.etag": row.etag, "Timestamp": row.timestamp}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _size(entity: Mapping[str, Any]) -> int:
    """Bytes, by the documented rule as far as the product's types go."""
    return sum(
        2 * _units(name) + 8 + (2 * _units(value) + 4 if isinstance(value, str) else 8)
        for name, value in entity.items()
        if not name.endswith(_TYPE)
    )


def _check_entity(entity: Mapping[str, Any]) -> None:
    for key in _key(entity):
        if _units(key) > _KEY_CHARACTERS:
            raise Refused(400, "PropertyValueTooLarge")
        if _KEY_FORBIDDEN.search(key):
            raise Refused(400, "OutOfRangeInput")
    if any(isinstance(value, str) and _units(value) > _STRING_CHARACTERS for value in entity.values()):
        raise Refused(400, "PropertyValueTooLarge")
    if sum(not name.endswith(_TYPE) for name in entity) > _PROPERTIES + 2:
        raise Refused(400, "TooManyProperties")
    if _size(entity) > _ENTITY_BYTES:
        raise Refused(400, "EntityTooLarge")


def _check_transaction(applies: list[tuple[Key, int, Callable[[], dict[str, Any]]]]) -> None:
    if sum(size for _, size, _ in applies) > _TRANSACTION_BYTES:
        raise Refused(413, "RequestBodyTooLarge").refusal.of_transaction(0)
    if len(applies) > _OPERATIONS:
        raise Refused(400, "InvalidInput").refusal.of_transaction(_OPERATIONS - 1)
    if len({key for key, _, _ in applies}) < len(applies):
        raise Refused(400, "InvalidDuplicateRow").refusal.of_transaction(0)
