"""Each known defect can still be installed, and the schedules detect one of them. `make mutants` checks all."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.faults import batches
from local.faults.mutants import known
from local.faults.mutation import batch_of

INSTALL = "import sys; from local.faults.mutants import known; known()[sys.argv[1]].install()"


@pytest.mark.parametrize("name", sorted(known()))
def test_a_mutant_can_be_installed(name: str):
    run = subprocess.run([sys.executable, "-c", INSTALL, name], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-500:]


async def test_a_defect_is_detected(tmp_path: Path):
    outcome = await batches.run(batch_of(known()["lists-are-not-written"]), tmp_path)
    assert "list" in " ".join(one.sentence for one in outcome.violations)
