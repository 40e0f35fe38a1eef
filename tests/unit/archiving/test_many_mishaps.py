"""Several operations of one run fail, in any mixture: the chunks are still archived and released."""

import random

import pytest

from local.memory.mishaps import Mishap, Mishaps
from local.memory.storage.account import apply_at_once
from tests.unit.runs import LARGE, TWO, Run

_FIRST = 150  # operations among which the mishaps are


@pytest.mark.parametrize("names", [LARGE, TWO], ids=["blocks", "two"])
@pytest.mark.parametrize("decade", range(10))
async def test_mishaps_at_random_operations_change_nothing_in_the_end(names: tuple[str, ...], decade: int):
    expected = await (await Run.prepared(names)).under(apply_at_once)
    for seed in range(10 * decade, 10 * decade + 10):
        source = random.Random(seed)
        plan = {source.randrange(_FIRST): source.choice(list(Mishap)) for _ in range(source.randint(2, 12))}
        found = await (await Run.prepared(names)).under(Mishaps(plan), rounds=400)
        assert found == expected, f"seed {seed}"
