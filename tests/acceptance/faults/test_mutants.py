"""Each known defect can still be put into the product, and the schedules see one: `make mutants` shows it of all."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.faults import batches
from local.faults.mutants import known
from local.faults.mutation import batch_of

INSTALL = "import sys; from local.faults.mutants import known; known()[sys.argv[1]].install()"


@pytest.mark.parametrize("name", sorted(known()))
def test_what_a_mutant_replaces_is_there(name: str):
    run = subprocess.run([sys.executable, "-c", INSTALL, name], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-500:]


async def test_a_defect_is_seen(tmp_path: Path):
    outcome = await batches.run(batch_of(known()["lists-are-not-written"]), tmp_path)
    assert "list" in " ".join(one.sentence for one in outcome.violations)
