"""`python -m local.simulation.mutation` checks that small defects at random places of the app are detected.

Each mutant runs in the simulation, if the simulation reaches its line at all. One that survives there runs in the tests
of its package that use storage in memory. Exits with 1 if a mutant survives both and isn't listed as equivalent.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from local.faults.mutation.mutants import known
from local.simulation.mutation.equivalents import EQUIVALENT
from local.simulation.mutation.operators import Mutant, mutants_of
from local.simulation.mutation.overlay import SETTING

_PACKAGES = ("archiving", "intake", "recovery", "domain")
_MARGIN = 60  # seconds of processor time until a run that doesn't end is killed
_SECONDS_OF_TESTS = 300  # of processor time, for each folder


class Verdict(StrEnum):
    SIMULATION = "detected by the simulation"
    TESTS = "detected by tests only"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.simulation.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=100, help="number of mutants")
    parser.add_argument("--draw", type=int, default=1, help="the seed of the sample")
    parser.add_argument("--only", type=int, action="append", help="only the mutant with this number in the sample")
    parser.add_argument("--seconds", type=float, default=60, help="processor time for each mutant in the simulation")
    parser.add_argument("--first", type=int, default=0, help="the first seed of the schedules")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once")
    parser.add_argument("--known", action="store_true", help="the known defects instead, in the simulation only")
    arguments = parser.parse_args()
    options = [f"--seconds={arguments.seconds}", f"--first={arguments.first}"]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.known:
            return _known(Trials(options, arguments.seconds, frozenset()), pool)
        control = _python([*_TRIAL, *options, "--lines"], 3 * arguments.seconds)
        if control.returncode:
            print(f"the app without a mutant fails: {_sentence(control)}")
            return 1
        trials = Trials(options, arguments.seconds, frozenset(control.stdout.split()))
        sample = _sample(arguments.sample, arguments.draw)
        numbers = arguments.only or range(1, len(sample) + 1)
        counted: Counter[Verdict] = Counter()
        running = {pool.submit(trials.verdict, sample[number - 1]): number for number in numbers}
        for ended in as_completed(running):
            number, (verdict, why) = running[ended], ended.result()
            counted[verdict] += 1
            print(f"{number}. {sample[number - 1]}\n   {verdict}: {why}", flush=True)
    print(*(f"{counted[verdict]} {verdict}" for verdict in Verdict), sep="\n")
    return 1 if counted[Verdict.SURVIVED] else 0


def _sample(number: int, draw: int) -> list[Mutant]:
    """Mutants of random lines: each line that has a mutant is equally likely."""
    lines: dict[tuple[str, int], list[Mutant]] = {}
    for package in _PACKAGES:
        for path in sorted(Path("shared", package).rglob("*.py")):
            for mutant in mutants_of(str(path)):
                lines.setdefault((mutant.path, mutant.line), []).append(mutant)
    rng = random.Random(draw)  # noqa: S311 - repeatable
    return [rng.choice(lines[one]) for one in rng.sample(sorted(lines), number)]


def _known(trials: "Trials", pool: ThreadPoolExecutor) -> int:
    detected = 0
    for name, violated in zip(known(), pool.map(trials.known, known()), strict=True):
        detected += violated is not None
        print(f"{name}: {violated or 'survived'}", flush=True)
    print(f"{detected} of {len(known())} detected by the simulation")
    return 0 if detected == len(known()) else 1


_TRIAL = ("-m", "local.simulation.mutation.trial")
# Tests on storage in memory.
_PLUGINS = ("-p", "no:cacheprovider", "-p", "local.simulation.mutation.overlay")
_TESTS = ("-m", "pytest", "-q", "-x", *_PLUGINS, "-m", "not storage")


@dataclass(frozen=True)
class Trials:
    """Runs mutants, each in processes of its own. `reached`: the lines that the simulation reaches."""

    options: Sequence[str]
    seconds: float
    reached: frozenset[str]

    def verdict(self, mutant: Mutant) -> tuple[Verdict, str]:
        is_reached = f"{mutant.path}:{mutant.line}" in self.reached
        if is_reached and (violated := _wrong([*_TRIAL, *self.options], self.seconds, mutant)):
            return Verdict.SIMULATION, violated
        for folder in _folders(Path(mutant.path).parts[1]):
            if failed := _wrong([*_TESTS, folder], _SECONDS_OF_TESTS, mutant):
                return Verdict.TESTS, failed
        if reason := EQUIVALENT.get((mutant.path, mutant.defect)):
            return Verdict.EQUIVALENT, reason
        return Verdict.SURVIVED, "no violation" if is_reached else "the simulation doesn't reach it"

    def known(self, name: str) -> str | None:
        return _wrong([*_TRIAL, *self.options, f"--known={name}"], self.seconds)


def _folders(package: str) -> list[str]:
    """The tests that may detect a mutant of this package, the likeliest first."""
    others = [f"tests/unit/{name}" for name in _PACKAGES if name != package]
    return [one for one in (f"tests/unit/{package}", f"tests/integration/{package}", *others) if Path(one).exists()]


def _wrong(command: Sequence[str], seconds: float, mutant: Mutant | None = None) -> str | None:
    done = _python(command, seconds, mutant)
    return _sentence(done) if done.returncode else None


def _python(command: Sequence[str], seconds: float, mutant: Mutant | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'ulimit -t {int(seconds) + _MARGIN}; exec "$@"', "sh", sys.executable, *command],
        env=os.environ | ({SETTING: json.dumps(asdict(mutant))} if mutant else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def _sentence(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return "it doesn't end"
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    summary = [line for line in lines if line.startswith(("seed ", "FAILED", "ERROR"))]
    return (summary or lines or ["it failed without output"])[-1][:300]


if __name__ == "__main__":
    sys.exit(main())
