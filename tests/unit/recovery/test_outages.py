"""A service is away for hours, from any moment on: when it is back, every chunk is archived and released."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from azure.core.exceptions import ServiceRequestError

from local.memory.storage.account import Operation, Service, apply_at_once
from tests.unit.runs import TWO, Run

_AWAY = timedelta(hours=2)
_STEP = 7  # operations between two moments at which an outage begins: a prime, so that all kinds have their turn


class _Outage:
    """Requests to one service fail from the nth operation of the run on, for two hours."""

    def __init__(self, run: Run, service: Service, number: int) -> None:
        self._clock, self._service, self._left = run.world.clock, service, number
        self._ends = run.world.clock.now()

    async def __call__[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        self._left -= 1
        if self._left == 0:
            self._ends = self._clock.now() + _AWAY
        if operation.service is self._service and self._clock.now() < self._ends:
            raise ServiceRequestError("away")
        return apply()


@pytest.mark.parametrize("service", [one for one in Service if one is not Service.TOPIC])
async def test_an_outage_of_hours_costs_no_chunk(service: Service):
    expected = await (await Run.prepared(TWO)).under(apply_at_once)
    for number in range(1, 120, _STEP):
        run = await Run.prepared(TWO)
        found = await run.under(_Outage(run, service, number), rounds=1000)
        assert {**found, "quarantine": {}} == expected, f"away from operation {number} on"
