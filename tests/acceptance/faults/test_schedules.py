"""A few random schedules of faults, deaths and repeats on the whole stack; `make faults` plays as many as you like."""

from pathlib import Path

import pytest

from local.faults import batches
from local.faults.table import complaints

SEEDS = tuple(range(8))


async def test_no_schedule_of_faults_and_deaths_breaks_an_invariant(tmp_path: Path):
    outcome = await batches.run(SEEDS, tmp_path)
    assert list(complaints(outcome)) == []
    assert outcome.evidence.chunks, "something must have been archived"
    assert outcome.faults > 0, "a fault must have fired"
    assert outcome.deaths + outcome.freezes > 0, "a worker must have died or frozen"


@pytest.mark.parametrize("seed", [3, 400])
def test_the_same_seed_gives_the_same_schedule(seed: int):
    assert batches.schedule(seed) == batches.schedule(seed)
    assert batches.schedule(seed) != batches.schedule(seed + 1)
