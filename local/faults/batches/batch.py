"""A batch of schedules that run on one stack, and its outcome.

The schedules of a batch share workers, so that the kill of a worker affects all of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from local.faults.injection.disturbances import CALM, Plan, plan
from local.faults.judging.expectations import DECIDED
from local.faults.judging.violations import Violation
from local.faults.playing.player import Played
from local.faults.running_stack.evidence import Evidence
from local.faults.schedules.random_schedules import MIXED, Schedule, schedule
from local.faults.schedules.scenarios import Scenario

SIZE = 20  # schedules on one stack


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The schedules and settings of one run on one stack."""

    schedules: Sequence[Schedule]
    plan: Plan = CALM
    settings: Mapping[str, str] = field(default_factory=dict)
    patience: timedelta = DECIDED  # of the product's clock, until chunks are judged
    spoiled: bool = False  # rows that no version can read are in the catalogue and on the worklist
    # Ends at the first certain violation. Further violations can be consequences of the early end.
    ends_at_the_first: bool = False

    @property
    def seeds(self) -> list[int]:
        return [one.seed for one in self.schedules]


def of_seeds(seeds: Sequence[int], scenarios: Sequence[Scenario] = ()) -> Batch:
    """The schedules of these seeds, with the disturbances of the first."""
    return Batch(schedules=[schedule(seed, scenarios or MIXED) for seed in seeds], plan=plan(seeds[0]))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    seeds: Sequence[int]
    played: Sequence[Played]
    evidence: Evidence
    happened: Counter[str]  # faults, deaths and other disturbances
    violations: Sequence[Violation]
    logs: Path

    def seed_of(self, violation: Violation) -> int | None:
        """The schedule that announced the document, if the violation is about one."""
        known = (one for one in self.played if violation.document_id in {*one.announced, *one.victims})
        return next((one.seed for one in known), None)
