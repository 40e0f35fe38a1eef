"""The schedules that must detect a mutant."""

from dataclasses import replace
from datetime import timedelta

from local.faults.batches.batch import Batch
from local.faults.injection.disturbances import Plan
from local.faults.injection.storage_faults import Rule, StorageFault
from local.faults.mutation.mutants import SETTING, Mutant
from local.faults.schedules.random_schedules import Schedule, schedule
from local.faults.schedules.scenarios import Scenario

_SCHEDULES = 6  # for each mutant
_PATIENCE = timedelta(hours=5)  # shorter than for a random schedule, which has more faults
_LOST_FOR = 8.0  # seconds for which messages are lost


def batch_of(one: Mutant) -> Batch:
    """A few schedules that must detect the defect, without deaths, so that nothing else causes violations."""
    schedules = [_fitting(schedule(seed, one.scenarios), one) for seed in range(_SCHEDULES)]
    rules = [Rule(fault=StorageFault.MESSAGE_LOST, begins=0, ends=_LOST_FOR)] if one.jobs_lost else []
    return Batch(
        schedules=schedules,
        plan=Plan(rules=rules),
        settings={SETTING: one.name},
        patience=_PATIENCE,
        ends_at_the_first=True,
        spoiled=one.spoiled,
    )


def _fitting(plan: Schedule, one: Mutant) -> Schedule:
    recordings = tuple(
        replace(planned, oddity=one.oddity) if one.oddity and planned.scenario is Scenario.ODD else planned
        for planned in plan.recordings
    )
    return replace(plan, recordings=recordings, orders=())
