"""An attempt copies both files and dies before it adds the chunk to its participants' lists: it is added later."""

from collections.abc import Callable

import pytest

from local.memory.host import Crash
from local.memory.storage.account import Operation
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of
from shared.domain.states import ChunkState
from tests.unit.world import World, document, event_of

_JOB = ChunkJob(recordingKey=key_of("recording-1"), chunkKey=key_of("document-1"))


@pytest.fixture
async def world() -> World:
    """The files are in the archive, the chunk is `copying`, and its lease has expired."""
    one = document("document-1")
    one.metadata = one.metadata.replace(b"}", b',"participants":[{"participantId":"8:acs:person"}]}')
    made = await World.made(one, participants_secret="secret-secret-secret-secret-secret")
    table = made.settings.participants_table

    async def dies[T](operation: Operation, apply: Callable[[], T], /) -> T:
        if operation.target == table:
            raise Crash
        return apply()

    made.host.restart(dies)
    made.host.publish(event_of("recording-1", "document-1"))
    await made.host.round()
    assert made.is_archived(one)
    assert not made.rows(table)

    async def lives[T](_: Operation, apply: Callable[[], T], /) -> T:
        return apply()

    made.host.restart(lives)
    made.clock.forward(minutes=10)
    return made


async def test_when_its_message_is_poison(world: World):
    await world.host.app.poison.keep(_JOB.encode().encode())
    await _is_archived_and_listed(world)


async def test_when_the_sweep_ends_it(world: World):
    world.clock.forward(hours=100)
    world.account.queues[world.settings.chunks_queue].messages.clear()
    await world.host.app.sweep.run()
    await _is_archived_and_listed(world)


async def _is_archived_and_listed(world: World) -> None:
    chunk = await world.chunk("recording-1", "document-1")
    assert chunk.state is ChunkState.ARCHIVED
    assert world.rows(world.settings.participants_table)
