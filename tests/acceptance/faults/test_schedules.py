"""A few random schedules of faults, deaths and repeated events on the whole stack. `make faults` runs more."""

from pathlib import Path

import pytest

from local.faults.batches import runner
from local.faults.batches.batch import of_seeds
from local.faults.batches.results import report
from local.faults.schedules.random_schedules import schedule

SEEDS = tuple(range(4, 10))  # the first seed gives every kind of disturbance


async def test_no_schedule_of_faults_and_deaths_breaks_an_invariant(tmp_path: Path):
    outcome = await runner.run(of_seeds(SEEDS), tmp_path)
    assert list(report(outcome)) == []
    assert outcome.evidence.chunks, "chunks must have been archived"
    happened = outcome.happened
    assert happened["faults of ACS"] > 0, "a fault of ACS must have fired"
    assert happened["faults of storage"] > 0, "a fault of storage must have fired"
    assert happened["killed at a step"] + happened["worker killed"] > 2, "workers must have died"
    assert happened["deletes witnessed"] > 0, "storage must have been checked before a delete"


@pytest.mark.parametrize("seed", [3, 400])
def test_the_same_seed_gives_the_same_schedule(seed: int):
    assert schedule(seed) == schedule(seed)
    assert schedule(seed) != schedule(seed + 1)
