"""The simulation repeats a run exactly, finds no violation in a few schedules, and catches defects."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from local.simulation.run import run
from local.simulation.schedules.schedule import Schedule, plain, schedule_of

_SEEDS = range(15)
_DIGESTS = "from local.simulation.run import run; from local.simulation.schedules.schedule import schedule_of; "


@pytest.fixture(autouse=True)
def _quiet():
    """Formatting the log would take longer than the runs."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _digests(seeds: str, hash_seed: str) -> str:
    """The digests of some seeds, from a process of its own."""
    code = f"{_DIGESTS}print(*(run(schedule_of(seed)).digest for seed in {seeds}))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("seed", _SEEDS)
def test_nothing_is_violated(seed: int):
    result = run(schedule_of(seed))
    assert result.violations == ()


def test_the_same_seed_gives_the_same_trace_in_any_process():
    here = " ".join(run(schedule_of(seed)).digest for seed in (1, 2, 3))
    assert here == _digests("(1, 2, 3)", "0")
    assert here == " ".join(reversed(_digests("(3, 2, 1)", "7").split()))


def test_different_seeds_give_different_traces():
    assert len({run(schedule_of(seed)).digest for seed in range(6)}) == 6


@pytest.mark.parametrize("seed", _SEEDS[:5])
def test_a_run_in_which_nothing_goes_wrong_makes_few_calls(seed: int):
    schedule = plain(schedule_of(seed))
    assert schedule.is_plain
    result = run(schedule)
    assert result.violations == ()
    assert result.calls <= schedule.most_calls < 1000


def test_clocks_that_differ_aren_t_a_run_in_which_nothing_goes_wrong():
    schedule = plain(schedule_of(1))
    wrong = replace(schedule, skews=(timedelta(), timedelta(seconds=-170)))
    assert (wrong.is_plain, plain(wrong).is_plain) == (False, True)


def test_too_many_calls_are_a_violation(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Schedule, "most_calls", 10)
    assert run(schedule_of(1)).violations == ("the run has made 10 calls and hasn't ended",)


@pytest.mark.parametrize(
    "mutant",
    [
        "one-404-is-lost",
        "lost-messages-stay-lost",
        "participants-are-not-listed",
        "quarantine-is-empty",
        "acts-are-not-audited",
        "missing-chunks-are-not-noticed",
    ],
)
def test_a_known_defect_is_caught(mutant: str):
    command = [sys.executable, "-m", "local.simulation", "--first", "1000", "--seeds", "100", "--most", "1"]
    done = subprocess.run([*command, "--no-shrink", "--mutant", mutant], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "seed 1" in done.stdout, done.stderr
