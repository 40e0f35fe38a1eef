"""The chunk is archived and released although any one operation fails, in any way.

Each case runs the app from the event to the deleted source, over storage in memory, with a mishap at one operation.
Event Grid delivers again, the host delivers the job again, the sweep runs, and in the end storage must be as it is
after a run without a mishap. A source that is deleted before its files are archived fails the case at once.
"""

import pytest

from local.memory.mishaps import Mishap, Mishaps
from local.memory.storage.account import apply_at_once
from tests.unit.runs import LARGE, TWO, Run


@pytest.mark.parametrize("mishap", Mishap)
@pytest.mark.parametrize("names", [LARGE, TWO], ids=["blocks", "two"])
async def test_whatever_operation_goes_wrong_the_end_is_the_same(names: tuple[str, ...], mishap: Mishap):
    expected = await (await Run.prepared(names)).under(apply_at_once)
    number, hit = 0, True
    while hit:
        run, mishaps = await Run.prepared(names), Mishaps({number: mishap})
        found = await run.under(mishaps)
        assert found == expected, f"operation {number}: {mishaps.hits}"
        hit = bool(mishaps.hits)
        assert run.world.host.crashes == (1 if hit and "crash" in mishap else 0)
        number += 1
    assert number > 25, "every operation of the run has had its mishap"
