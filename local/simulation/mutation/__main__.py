"""`python -m local.simulation.mutation` checks that small defects at random places of the app are detected.

Each mutant runs in the simulation. One that survives there runs in the unit tests. Exits with 1 if a mutant survives
both and isn't listed as equivalent.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

from local.faults.mutation.mutants import known
from local.simulation.mutation.equivalents import EQUIVALENT
from local.simulation.mutation.operators import Mutant, mutants_of
from local.simulation.mutation.overlay import SETTING

_PACKAGES = ("shared/archiving", "shared/intake", "shared/recovery", "shared/domain")
_MARGIN = 60  # seconds of processor time until a run that doesn't end is killed
_UNIT_TESTS = 300  # seconds of processor time


class Verdict(StrEnum):
    SIMULATION = "detected by the simulation"
    UNIT_TESTS = "detected by the unit tests only"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.simulation.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=100, help="number of mutants")
    parser.add_argument("--draw", type=int, default=1, help="the seed of the sample")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first mutants of the sample")
    parser.add_argument("--seconds", type=float, default=60, help="processor time for each mutant in the simulation")
    parser.add_argument("--first", type=int, default=0, help="the first seed of the schedules")
    parser.add_argument("--known", action="store_true", help="the known defects instead, in the simulation only")
    parser.add_argument("--list", action="store_true", help="only show the sample")
    arguments = parser.parse_args()
    simulation = [f"--seconds={arguments.seconds}", f"--first={arguments.first}"]
    if arguments.known:
        return _known(simulation, arguments.seconds)
    chosen = _sample(arguments.sample, arguments.draw)[arguments.skip :]
    if arguments.list:
        print(*chosen, sep="\n")
        return 0
    if violated := _simulated(simulation, arguments.seconds):
        print(f"the app without a mutant violates: {violated}")
        return 1
    counted: Counter[Verdict] = Counter()
    for number, mutant in enumerate(chosen, arguments.skip + 1):
        verdict, why = _tried(mutant, simulation, arguments.seconds)
        counted[verdict] += 1
        print(f"{number}. {mutant}\n   {verdict}: {why}", flush=True)
    print(*(f"{counted[verdict]} {verdict}" for verdict in Verdict), sep="\n")
    return 1 if counted[Verdict.SURVIVED] else 0


def _sample(number: int, draw: int) -> list[Mutant]:
    """Mutants of random lines: each line that has a mutant is equally likely."""
    lines: dict[tuple[str, int], list[Mutant]] = {}
    for package in _PACKAGES:
        for path in sorted(Path(package).rglob("*.py")):
            for mutant in mutants_of(str(path)):
                lines.setdefault((mutant.path, mutant.line), []).append(mutant)
    chance = random.Random(draw)  # noqa: S311 - repeatable
    return [chance.choice(lines[one]) for one in chance.sample(sorted(lines), number)]


def _known(simulation: list[str], seconds: float) -> int:
    detected = 0
    for name in known():
        violated = _simulated([*simulation, f"--known={name}"], seconds)
        detected += violated is not None
        print(f"{name}: {violated or 'survived'}", flush=True)
    print(f"{detected} of {len(known())} detected by the simulation")
    return 0 if detected == len(known()) else 1


def _tried(mutant: Mutant, simulation: list[str], seconds: float) -> tuple[Verdict, str]:
    if violated := _simulated(simulation, seconds, mutant):
        return Verdict.SIMULATION, violated
    package = Path("tests/unit", Path(mutant.path).parts[1])
    tests = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "local.simulation.mutation.overlay"]
    failed = _run([*tests, str(package), "tests/unit"], _UNIT_TESTS, mutant)
    if failed is not None:
        return Verdict.UNIT_TESTS, failed
    if reason := EQUIVALENT.get((mutant.path, mutant.defect)):
        return Verdict.EQUIVALENT, reason
    return Verdict.SURVIVED, "no violation, and no unit test failed"


def _simulated(options: Sequence[str], seconds: float, mutant: Mutant | None = None) -> str | None:
    return _run(["-m", "local.simulation.mutation.trial", *options], seconds, mutant)


def _run(command: Sequence[str], seconds: float, mutant: Mutant | None) -> str | None:
    """Runs Python in a process of its own. Returns what was wrong, or None."""
    limit = int(seconds) + _MARGIN
    environment = os.environ | ({SETTING: json.dumps(asdict(mutant))} if mutant else {})
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
    )
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return f"doesn't end within {limit} s"
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    summary = [line for line in lines if line.startswith(("seed ", "FAILED", "ERROR"))]
    return (summary or lines or ["failed without output"])[-1][:300]


if __name__ == "__main__":
    sys.exit(main())
