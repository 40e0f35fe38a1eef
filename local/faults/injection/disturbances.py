"""Disturbances of processes and storage while schedules run, all derived from one seed.

Workers are killed (SIGKILL) and suspended (SIGSTOP) at random times, also during transfers. The host is killed and
restarted, Azurite restarts, ACS is unreachable, and storage fails in each way that `storage_faults` defines.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from local.faults.injection.relay import Relay
from local.faults.injection.storage_faults import MESSAGES, Rule, StorageFault
from local.stack import Stack

LENGTH = 14.0  # real seconds over which the disturbances are spread


class Disturbance(StrEnum):
    KILL_WORKER = "worker killed"
    FREEZE_WORKER = "worker frozen"
    KILL_HOST = "host killed"
    RESTART_STORAGE = "storage restarted"
    ACS_AWAY = "ACS away"


@dataclass(frozen=True, kw_only=True)
class Planned:
    kind: Disturbance
    at: float  # real seconds after the start
    seconds: float = 0.0  # duration in real seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    disturbances: Sequence[Planned] = ()
    rules: Sequence[Rule] = ()


CALM = Plan()


def plan(seed: int) -> Plan:
    rng = random.Random(f"disturbances {seed}")  # noqa: S311 - the same seed must give the same plan
    disturbances = [
        *(Planned(kind=Disturbance.KILL_WORKER, at=rng.uniform(1, LENGTH)) for _ in range(rng.randint(3, 6))),
        *(_lasting(rng, Disturbance.FREEZE_WORKER, 0.5, 3.0) for _ in range(rng.randint(1, 4))),
        *(_lasting(rng, Disturbance.ACS_AWAY, 0.3, 2.0) for _ in range(rng.randint(0, 2))),
    ]
    if rng.random() < 0.5:  # noqa: PLR2004 - even odds
        disturbances.append(Planned(kind=Disturbance.KILL_HOST, at=rng.uniform(2, LENGTH)))
    if rng.random() < 0.4:  # noqa: PLR2004 - two in five
        disturbances.append(Planned(kind=Disturbance.RESTART_STORAGE, at=rng.uniform(2, LENGTH)))
    return Plan(disturbances=sorted(disturbances, key=lambda one: one.at), rules=_rules(rng))


def _lasting(rng: random.Random, kind: Disturbance, least: float, most: float) -> Planned:
    return Planned(kind=kind, at=rng.uniform(1, LENGTH), seconds=rng.uniform(least, most))


def _rules(rng: random.Random) -> list[Rule]:
    """Storage faults of a low probability, and sometimes an outage or a full disk."""
    rules = []
    for fault in (*StorageFault,):
        if fault in MESSAGES:
            rules.append(Rule(fault=fault, begins=0, ends=LENGTH, probability=rng.uniform(0, 0.15)))
        elif fault in (StorageFault.OUTAGE, StorageFault.FULL):
            begins = rng.uniform(1, LENGTH)
            services = rng.choice((("blob",), ("table",), ("queue",), ("blob", "queue", "table")))
            rules.append(
                Rule(
                    fault=fault,
                    begins=begins,
                    ends=begins + rng.uniform(0.3, 2),
                    services=frozenset(services),
                )
            )
        else:
            rules.append(
                Rule(
                    fault=fault,
                    begins=0,
                    ends=LENGTH,
                    probability=rng.uniform(0, 0.03),
                    seconds=rng.uniform(0.2, 2.0),
                )
            )
    return rules


@dataclass(kw_only=True)
class Disturber:
    """Carries out the disturbances of a plan."""

    stack: Stack
    relay: Relay
    rng: random.Random
    carried_out: Counter[Disturbance] = field(default_factory=Counter)

    async def disturb(self, planned: Sequence[Planned]) -> None:
        """Returns when the last disturbance has ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for one in planned:
            await asyncio.sleep(max(0.0, began + one.at - loop.time()))
            await self._carry_out(one)
            self.carried_out[one.kind] += 1

    async def _carry_out(self, one: Planned) -> None:
        match one.kind:
            case Disturbance.KILL_WORKER:
                self._signal(signal.SIGKILL)
            case Disturbance.FREEZE_WORKER:
                pid = self._signal(signal.SIGSTOP)
                await asyncio.sleep(one.seconds)
                if pid is not None:
                    _send(pid, signal.SIGCONT)
            case Disturbance.KILL_HOST:
                await self.stack.replace_host()
            case Disturbance.RESTART_STORAGE:
                await self.stack.replace_azurite()
            case Disturbance.ACS_AWAY:
                await self.relay.die(one.seconds)

    def _signal(self, number: signal.Signals) -> int | None:
        workers = self.stack.addresses.pids.workers
        if not workers:
            return None
        pid = self.rng.choice(workers)
        _send(pid, number)
        return pid


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
