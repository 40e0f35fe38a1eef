"""The version of the data's schema. An older app that works with newer data would corrupt it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from local.memory.clients import MemoryClients
from local.memory.storage.account import Operation, Turn, apply_at_once
from shared.errors import DestinationUnavailable, Fault, NewerSchema
from shared.gateways.bundle import Gateways
from shared.gateways.tables.schema import SCHEMA_VERSION, Schema
from tests.unit.world import World


class Counter:
    """Counts operations, lets other tasks run before each, and fails while `away`."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.away = False

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        await asyncio.sleep(0)
        self.methods.append(operation.method)
        if self.away:
            raise ServiceRequestError("away")
        return apply()


def of_process(world: World, turn: Turn = apply_at_once) -> Schema:
    """As a new process has it."""
    clients: Any = MemoryClients(world.account.seen_by(turn), world.acs, world.settings)
    return Gateways.over(clients, world.settings).schema


async def set_version(world: World, version: Any) -> None:
    clients: Any = MemoryClients(world.account, world.acs, world.settings)
    table = clients.tables.get_table_client(world.settings.links_table)
    await table.upsert_entity({"PartitionKey": "schema", "RowKey": "version", "version": version})


def versions(world: World) -> list[Any]:
    return [row.entity["version"] for row in world.rows(world.settings.links_table).values()]


async def test_the_first_app_records_its_version_and_asks_no_more():
    world, counter = await World.made(), Counter()
    schema = of_process(world, counter)
    for _ in range(3):
        await schema.require()
    assert counter.methods == ["get_entity", "create_entity"]
    assert versions(world) == [SCHEMA_VERSION]


async def test_a_process_of_the_same_version_reads_the_row_once():
    world, counter = await World.made(), Counter()
    await of_process(world).require()
    schema = of_process(world, counter)
    for _ in range(3):
        await schema.require()
    assert counter.methods == ["get_entity"]


async def test_processes_that_start_at_the_same_moment_record_one_version_and_all_work():
    world, counter = await World.made(), Counter()
    await asyncio.gather(*(of_process(world, counter).require() for _ in range(5)))
    assert counter.methods.count("create_entity") == 5, "all found no row"
    assert versions(world) == [SCHEMA_VERSION]


async def test_a_newer_version_recorded_between_reading_and_inserting_is_refused():
    world = await World.made()

    async def overtaken[T](operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.method == "create_entity":
            await set_version(world, SCHEMA_VERSION + 1)
        return apply()

    with pytest.raises(NewerSchema):
        await of_process(world, overtaken).require()
    assert versions(world) == [SCHEMA_VERSION + 1]


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, "2027-a"])
async def test_newer_data_is_refused_until_it_is_restored_and_never_changed(version: Any):
    world = await World.made()
    await set_version(world, version)
    schema = of_process(world)
    for refuse in (schema.check, schema.require, schema.require):
        with pytest.raises(NewerSchema) as refused:
            await refuse()
        assert f"version {version}," in str(refused.value)
        assert f"up to {SCHEMA_VERSION}," in str(refused.value)
        assert "deploy the newer version of the app again" in str(refused.value)
        assert (refused.value.fault, refused.value.retry, refused.value.status) == (Fault.OURS, True, 503)
    assert versions(world) == [version]
    await set_version(world, SCHEMA_VERSION)
    await schema.require()


async def test_while_storage_is_away_nothing_is_remembered_and_the_next_call_tries_again():
    world, counter = await World.made(), Counter()
    schema = of_process(world, counter)
    counter.away = True
    for _ in range(2):
        with pytest.raises(DestinationUnavailable):
            await schema.require()
    counter.away = False
    await schema.require()
    assert versions(world) == [SCHEMA_VERSION]


async def test_a_check_writes_nothing():
    world, counter = await World.made(), Counter()
    await of_process(world, counter).check()
    assert counter.methods == ["get_entity"]
    assert versions(world) == []
