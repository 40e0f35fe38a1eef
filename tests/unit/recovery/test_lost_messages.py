"""A process ends and the queue loses its messages: the sweep alone brings every chunk to its end."""

from collections.abc import Callable

import pytest

from local.memory.host import Crash
from local.memory.mishaps import Mishap, Mishaps
from local.memory.storage.account import Operation, apply_at_once
from tests.unit.runs import LARGE, TWO, Run


@pytest.mark.parametrize("mishap", [Mishap.CRASH_BEFORE, Mishap.CRASH_AFTER])
@pytest.mark.parametrize("names", [LARGE, TWO], ids=["blocks", "two"])
async def test_the_sweep_finds_what_no_message_leads_to_any_more(names: tuple[str, ...], mishap: Mishap):
    expected = await (await Run.prepared(names)).under(apply_at_once)
    number, hit = 0, True
    while hit:
        run, mishaps = await Run.prepared(names), Mishaps({number: mishap})

        async def losing[T](
            operation: Operation, apply: Callable[[], T], /, run: Run = run, mishaps: Mishaps = mishaps
        ) -> T:
            try:
                return await mishaps(operation, apply)
            except Crash:
                for queue in run.world.account.queues.values():
                    queue.messages.clear()
                raise

        assert await run.under(losing) == expected, f"operation {number}: {mishaps.hits}"
        number, hit = number + 1, bool(mishaps.hits)
    assert number > 25, "every operation of the run has had its mishap"
