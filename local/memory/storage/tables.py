"""Clients of Table Storage in memory. Entities are converted as the SDK does, so types come out the same."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables._serialize import _get_match_condition

from local.memory.storage.account import Account, Client, Operation, Service, check_options, operation_of
from local.memory.storage.conversions import Entity, sent
from local.memory.storage.entities import Key, Row, Table, key_of_entity, size_of
from local.memory.storage.filters import read_filter
from local.memory.storage.paging import Paged
from local.memory.storage.refusals import Refused

_PAGE = 1000  # entities in a response at most
_OPERATIONS = 100  # in a transaction at most
_TRANSACTION_BYTES = 4 * 1024 * 1024
_RETRIED = frozenset({"GET", "PUT", "DELETE"})  # by default; not a POST or PATCH whose connection broke
_PARAMETER = re.compile(r"@(\w+)")
_ABSENT = ("ResourceNotFound", "TableNotFound")


@dataclass(frozen=True)
class _Part:
    """One operation in a transaction."""

    key: Key
    size: int
    apply: Callable[[], Entity]


class MemoryTableClient(Client):
    """One table, as azure.data.tables.aio.TableClient."""

    def __init__(self, account: Account, table_name: str) -> None:
        self._account, self.table_name = account, table_name

    async def create_table(self) -> None:
        def apply() -> None:
            if self.table_name in self._account.tables:
                raise Refused(409, "TableAlreadyExists")
            self._account.tables[self.table_name] = Table(self._account)

        await self._ask(self._operation("create_table", "POST", {}), apply)

    async def delete_table(self) -> None:
        """As the SDK does, raises nothing if the table doesn't exist."""
        await self._ask(
            self._operation("delete_table", "DELETE", {}), lambda: self._account.tables.pop(self.table_name, None)
        )

    async def create_entity(self, entity: Mapping[str, Any], **options: Any) -> Entity:
        written = sent(entity)
        operation = self._operation("create_entity", "POST", options, _row(key_of_entity(written)))
        try:
            return await self._account.turn(operation, lambda: self._table().insert(written))
        except Refused as refused:
            raise refused.refusal.of_insert() from None

    async def upsert_entity(
        self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **options: Any
    ) -> Entity:
        written = sent(entity)
        operation = self._operation("upsert_entity", _method(mode), options, _row(key_of_entity(written)))
        return await self._ask(operation, lambda: self._table().upsert(written, mode))

    async def update_entity(
        self,
        entity: Mapping[str, Any],
        mode: UpdateMode = UpdateMode.MERGE,
        *,
        etag: str | None = None,
        match_condition: MatchConditions | None = None,
        **options: Any,
    ) -> Entity:
        written, wanted = sent(entity), _condition(entity, etag, match_condition)
        operation = self._operation("update_entity", _method(mode), options, _row(key_of_entity(written)))
        return await self._ask(operation, lambda: self._table().update(written, mode, wanted))

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
        key = key_of_entity(entity) if entity else (str(partition_key), str(row_key))
        wanted = _condition(entity, etag, match_condition)

        def apply() -> Entity:
            try:
                return self._table().delete(key, wanted)
            except Refused as refused:
                if refused.refusal.code in _ABSENT:
                    return {}
                raise

        await self._ask(self._operation("delete_entity", "DELETE", options, _row(key)), apply)

    async def get_entity(
        self, partition_key: str, row_key: str, *, select: list[str] | None = None, **options: Any
    ) -> TableEntity:
        key = (partition_key, row_key)
        operation = self._operation("get_entity", "GET", options, _row(key))
        row: Row = await self._ask(operation, lambda: self._table().find(key))
        return row.answer(select)

    def list_entities(self, **options: Any) -> Paged[TableEntity]:
        return self.query_entities("PartitionKey ge ''", **options)

    def query_entities(
        self,
        query_filter: str,
        *,
        parameters: dict[str, Any] | None = None,
        select: list[str] | None = None,
        results_per_page: int | None = None,
        **options: Any,
    ) -> Paged[TableEntity]:
        passes = read_filter(query_filter, parameters)
        operation = self._operation("query_entities", "GET", options, _filled(query_filter, parameters))
        most = min(results_per_page or _PAGE, _PAGE)

        async def page(start: Key | None) -> tuple[Key | None, list[TableEntity]]:
            following, rows = await self._ask(operation, lambda: self._table().page(start, most, passes))
            return following, [row.answer(select) for row in rows]

        return Paged(page)

    async def submit_transaction(self, operations: Iterable[Any], **options: Any) -> list[Entity]:
        given = [(name, entity, dict(*more)) for name, entity, *more in operations]
        if len({entity["PartitionKey"] for _, entity, _ in given}) > 1:
            raise ValueError("Partition Keys in the batch must all be the same.")
        parts = [self._part(name, entity, named) for name, entity, named in given]
        size = sum(part.size for part in parts)

        def apply() -> list[Entity]:
            if size > _TRANSACTION_BYTES:
                raise Refused(413, "RequestBodyTooLarge").refusal.of_transaction(0)
            if len(parts) > _OPERATIONS:
                raise Refused(400, "InvalidInput").refusal.of_transaction(_OPERATIONS - 1)
            if len({part.key for part in parts}) < len(parts):
                raise Refused(400, "InvalidDuplicateRow").refusal.of_transaction(0)
            table: Table = self._account.tables.get(self.table_name, Table(self._account))
            return table.together([(part.key, part.apply) for part in parts])

        operation = self._operation("submit_transaction", "POST", options, *(_row(part.key) for part in parts))
        return await self._account.turn(operation, apply)

    def _part(self, name: str, entity: Mapping[str, Any], named: dict[str, Any]) -> _Part:
        written, mode = sent(entity), named.pop("mode", UpdateMode.MERGE)
        wanted = _condition(entity, named.pop("etag", None), named.pop("match_condition", None))
        check_options(named)
        key = key_of_entity(written)
        parts: dict[str, Callable[[], Entity]] = {
            "create": lambda: self._table().insert(written),
            "upsert": lambda: self._table().upsert(written, mode),
            "update": lambda: self._table().update(written, mode, wanted),
            "delete": lambda: self._table().delete(key, wanted),
        }
        return _Part(key, size_of(written), parts[name])

    def _operation(self, name: str, method: str, options: dict[str, Any], *part: str) -> Operation:
        retried = options.pop("retry_on_methods", _RETRIED)
        if options:
            check_options(options)
        return operation_of(Service.TABLE, name, self.table_name, method != "GET", method in retried, part)

    async def _ask[T](self, operation: Operation, apply: Callable[[], T]) -> T:
        try:
            return await self._account.turn(operation, apply)
        except Refused as refused:
            raise refused.refusal.of_table() from None

    def _table(self) -> Table:
        table: Table | None = self._account.tables.get(self.table_name)
        if table is None:
            raise Refused(404, "TableNotFound")
        return table


class MemoryTableServiceClient(Client):
    """The tables of an account, as azure.data.tables.aio.TableServiceClient."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def get_table_client(self, table_name: str) -> MemoryTableClient:
        return MemoryTableClient(self._account, table_name)

    async def create_table(self, table_name: str) -> None:
        await self.get_table_client(table_name).create_table()

    async def create_table_if_not_exists(self, table_name: str) -> None:
        if table_name not in self._account.tables:
            await self.create_table(table_name)

    async def delete_table(self, table_name: str) -> None:
        await self.get_table_client(table_name).delete_table()


def _row(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _filled(query_filter: str, parameters: Mapping[str, Any] | None) -> str:
    """The filter with its parameters, to tell queries apart."""
    return _PARAMETER.sub(lambda found: f"'{parameters[found[1]]}'", query_filter) if parameters else query_filter


def _method(mode: UpdateMode) -> str:
    return "PUT" if mode == UpdateMode.REPLACE else "PATCH"


def _condition(entity: Any, etag: str | None, match_condition: MatchConditions | None) -> str | None:
    """The ETag that an entity must have, None for any."""
    if match_condition and not etag and isinstance(entity, TableEntity):
        etag = entity.metadata["etag"]
    _get_match_condition(etag, match_condition or MatchConditions.Unconditionally)  # type: ignore[no-untyped-call]
    return etag
