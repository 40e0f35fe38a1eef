"""One operation goes wrong, whichever it is and however: the chunk is archived and released all the same.

Each case runs the app from the event to the deleted source, over storage in memory, with a mishap at one operation.
Event Grid delivers again, the host delivers the job again, the sweep runs, and in the end storage must be as it is
after a run without a mishap. A source that is deleted before its files are archived fails the case at once.
"""

from typing import Any

import pytest

from local.memory.acs import Document
from local.memory.mishaps import Mishap, OneMishap
from shared.domain.states import ChunkState
from tests.unit.world import MEBIBYTE, World, document, event_of

_ROUNDS = 120  # of half a minute
_NONE = 1_000_000  # the number of no operation
_VOLATILE = ("tally", "audit-")  # rows that one process, or one entry, names by itself

SMALL = (document("0-wus-d4-small", size=4096),)
LARGE = (document("0-wus-d4-large", size=2 * MEBIBYTE + 4096),)
TWO = (document("0-wus-d4-first"), document("0-wus-d4-second"))


async def ended(documents: tuple[Document, ...], mishap: Mishap, number: int) -> tuple[dict[str, Any], OneMishap, int]:
    """What storage holds after a run, the mishap, and how many processes crashed."""
    for one in documents:
        one.is_deleted = False
    world, turn = await World.made(*documents), OneMishap(mishap, number)
    world.host.restart(world.watched(turn))
    names = [one.delete_location.rpartition("/")[2] for one in documents]
    world.host.publish(event_of("recording-1", *names))
    await world.run(rounds=_ROUNDS)
    states = [(await world.chunk("recording-1", name)).state for name in names]
    assert states == [ChunkState.RELEASED] * len(names)
    assert all(one.is_deleted and world.is_archived(one) for one in documents)
    tables = {
        table: sorted(
            key
            for key in world.rows(table)
            if not key[0].startswith(_VOLATILE[0]) and not key[1].startswith(_VOLATILE[1])
        )
        for table in world.settings.tables
    }
    quarantined = world.files(world.settings.quarantine_container)
    return {"tables": tables, "archive": world.archive, "quarantine": quarantined}, turn, world.host.crashes


@pytest.mark.parametrize("mishap", Mishap)
@pytest.mark.parametrize("documents", [SMALL, LARGE, TWO], ids=["small", "blocks", "two"])
async def test_whatever_operation_goes_wrong_the_end_is_the_same(documents: tuple[Document, ...], mishap: Mishap):
    expected, clean, _ = await ended(documents, mishap, _NONE)
    assert clean.hit is None
    number, hit = 0, True
    while hit:
        found, turn, crashes = await ended(documents, mishap, number)
        assert found == expected, f"operation {number}: {turn.hit}"
        assert crashes == (1 if turn.hit and "crash" in mishap else 0)
        number, hit = number + 1, turn.hit is not None
    assert number > 25, "every operation of the run has had its mishap"
