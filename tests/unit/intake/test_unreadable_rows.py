"""A chunk whose row this version can't read is on the worklist, even if its first delivery crashed."""

from collections.abc import Callable

from azure.data.tables import UpdateMode

from local.memory.host import Crash
from local.memory.storage.account import Operation, apply_at_once
from shared.domain.keys import key_of
from shared.domain.states import ChunkState
from tests.unit.runs import RECORDING, TWO, Run
from tests.unit.world import World


async def set_state(world: World, name: str, state: str) -> None:
    table = world.host.app.clients.tables.get_table_client(world.settings.recordings_table)
    row = {"PartitionKey": key_of(RECORDING), "RowKey": f"chunk-{key_of(name)}", "state": state}
    await table.update_entity(row, mode=UpdateMode.MERGE)


async def test_a_chunk_that_can_t_be_read_when_its_event_is_delivered_again_is_archived_later():
    run = await Run.prepared(TWO)
    world = run.world

    async def dying[T](operation: Operation, apply: Callable[[], T], /) -> T:
        result = await apply_at_once(operation, apply)
        if operation.method == "submit_transaction" and operation.target == world.settings.recordings_table:
            raise Crash
        return result

    world.host.restart(dying)
    await world.host.round()
    assert world.host.crashes == 1
    world.host.restart(world.watched())
    await set_state(world, TWO[0], "of-a-newer-version")
    for _ in range(5):
        await world.host.round()
    assert (await world.chunk(RECORDING, TWO[1])).state is ChunkState.RELEASED
    assert len(world.rows(world.settings.worklist_table)) >= 1, "the only way to a chunk without a message"
    await set_state(world, TWO[0], "pending")
    await run.under(apply_at_once)
