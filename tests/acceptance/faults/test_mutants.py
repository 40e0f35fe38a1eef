"""Each known defect can still be installed, and the schedules detect one of them. `make mutants` checks all."""

import subprocess
import sys
from pathlib import Path

from local.faults.batches import runner
from local.faults.mutation.mutant_batch import batch_of
from local.faults.mutation.mutants import known

INSTALL = "from local.faults.mutation.mutants import known; [mutant.install() for mutant in known().values()]"


def test_the_mutants_can_be_installed():
    run = subprocess.run([sys.executable, "-c", INSTALL], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-500:]


async def test_a_defect_is_detected(tmp_path: Path):
    outcome = await runner.run(batch_of(known()["lists-are-not-written"]), tmp_path)
    assert "list" in " ".join(one.sentence for one in outcome.violations)
