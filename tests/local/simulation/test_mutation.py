"""Mutants change one thing each, leave alone what nobody observes, and are detected by the simulation."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from local.simulation.mutation.equivalents import EQUIVALENT
from local.simulation.mutation.operators import Mutant, mutants_of
from local.simulation.mutation.overlay import SETTING

SOURCE = '''
"""Five attempts."""
LIMIT: int | None = 5

async def store(row, log):
    """Writes 2 rows."""
    log.info("row %s", 3)
    if row.size < LIMIT and not row.old:
        await first(row)
        await second(row)
    try:
        row.state = "é"
    except ValueError:
        return
'''


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Mutant]:
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return {one.defect: one for one in mutants_of(str(path))}


def test_each_mutant_is_one_defect(made: dict[str, Mutant]):
    assert set(made) == {
        "`5` becomes `6`",
        "`row.size < LIMIT and not row.old` becomes `(not (row.size < LIMIT and not row.old))`",
        "`row.size < LIMIT and not row.old` becomes `((row.size < LIMIT) or (not row.old))`",
        "`row.size < LIMIT` becomes `((row.size) <= (LIMIT))`",
        "`not row.old` becomes `(row.old)`",
        "`await first(row)` left out",
        "`await second(row)` left out",
        "`await first(row) await second(row)` in the other order",
        '`row.state = "é"` left out',
        "`ValueError` becomes `()`",
        "`return` left out",
    }


def test_a_mutant_differs_in_its_place_alone(made: dict[str, Mutant]):
    swapped = made["`await first(row) await second(row)` in the other order"].source().decode()
    assert swapped == SOURCE.replace("first", "SECOND").replace("second", "first").replace("SECOND", "second")
    assert made["`ValueError` becomes `()`"].source().decode() == SOURCE.replace("ValueError", "()")


def test_every_mutant_compiles(made: dict[str, Mutant]):
    for one in made.values():
        compile(one.source(), one.path, "exec")


def test_the_simulation_detects_a_mutant_and_passes_without_it():
    mutants = mutants_of("shared/archiving/pipeline.py")
    forgotten = next(one for one in mutants if one.defect == "`chunk.attempts + 1` becomes `((chunk.attempts) - (1))`")
    command = [sys.executable, "-m", "local.simulation.mutation.trial", "--first=0"]
    without = subprocess.run([*command, "--seconds=2"], capture_output=True, text=True, check=False)
    assert without.returncode == 0, without.stdout + without.stderr
    environment = os.environ | {SETTING: json.dumps(asdict(forgotten))}
    found = subprocess.run([*command, "--seconds=60"], env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout + found.stderr
    assert found.stdout.startswith("seed ")


def test_every_mutant_that_is_listed_as_equivalent_exists():
    for path, line, defect in EQUIVALENT:
        assert (line, defect) in {(one.text(), one.defect) for one in mutants_of(path)}, defect
