"""Every order of a small race is followed, and an order that violates an invariant is found and can be repeated."""

import logging

import pytest

from local.simulation.exploring.exhaustive import RACES, explore, replay
from shared.intake.known_chunks import KnownChunks

_EVENTS = next(race for race in RACES if race.name == "an event and its redelivery")
_LATER = next(race for race in RACES if race.name == "a job, and its redelivery after the lease")


@pytest.fixture(autouse=True)
def _quiet():
    """Formatting the log would take longer than the runs."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_order_of_two_deliveries_violates_anything():
    covered = explore(_EVENTS, faults=0)
    assert covered.violations == []
    assert covered.remaining == 0
    assert covered.states > 200


def test_no_fault_at_any_call_of_a_job_violates_anything():
    covered = explore(_LATER, faults=1)
    assert covered.violations == []
    assert covered.remaining == 0
    assert covered.states > 500


def test_a_defect_that_needs_one_order_and_one_fault_is_found_and_repeated(monkeypatch: pytest.MonkeyPatch):
    """A delivery fails after it has written the chunk, and the next one doesn't queue a known chunk."""

    async def forgets(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(KnownChunks, "announced_again", forgets)
    covered = explore(_EVENTS, faults=1)
    assert "hasn't ended" in covered.violations[0]
    lines = replay(_EVENTS, 1, covered.choices)
    assert "VIOLATED" in lines[-1]
    assert lines == replay(_EVENTS, 1, covered.choices)
