"""python -m local.simulation: runs random schedules, or every order of small races, and reports each violation."""

import argparse
import gc
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from local.faults.mutation.mutants import known
from local.simulation.exploring.exploration import Exploration
from local.simulation.exploring.races import RACES
from local.simulation.exploring.replaying import Replay
from local.simulation.run import Result, run
from local.simulation.schedules.schedule import schedule_of
from local.simulation.shrinking import shrink

_SEEDS = 10**9


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="number of schedules")
    parser.add_argument("--seconds", type=float, help="run for this long instead of a number of schedules")
    parser.add_argument("--first", type=int, help="the first seed; by default a random one")
    parser.add_argument("--seed", type=int, help="run this one schedule and print every step")
    parser.add_argument("--mutant", choices=sorted(known()), help="install a known defect first")
    parser.add_argument("--exhaustive", action="store_true", help="follow every order of some small races instead")
    parser.add_argument("--faults", type=int, default=0, help="faults in each order of an exhaustive run, at most")
    parser.add_argument("--race", type=int, help="only this race; the long ones run only so")
    parser.add_argument("--most", type=int, default=5, help="stop after this many violations")
    parser.add_argument("--no-shrink", action="store_true", help="report violations as they are found")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    arguments = _arguments(given)
    logging.disable(logging.CRITICAL)  # the trace shows each step, and the log would cost half of the time
    if arguments.mutant:
        known()[arguments.mutant].install()
    if arguments.exhaustive:
        return _exhaustive(arguments)
    if arguments.seed is not None:
        return _one(arguments.seed)
    first = secrets.randbelow(_SEEDS) if arguments.first is None else arguments.first
    return _many(first, arguments)


def _one(seed: int) -> int:
    result = run(schedule_of(seed), keeps_trace=True)
    print(*result.schedule.describe(), "", *result.lines, "", sep="\n")
    print(f"{result.calls} calls, {result.seconds / 3600:.1f} h, trace {result.digest[:16]}")
    for violation in result.violations:
        print(f"VIOLATED: {violation}")
    return 1 if result.violations else 0


def _exhaustive(arguments: argparse.Namespace) -> int:
    """Follows every order of each race, first without faults. Returns 1 unless all orders end well."""
    gc.freeze()
    gc.disable()
    wrong = 0
    for number, race in enumerate(RACES):
        if number != arguments.race and (race.is_long or arguments.race is not None):
            continue
        exploration = Exploration(race)
        for faults in range(arguments.faults + 1):
            covered = exploration.explore(faults, seconds=arguments.seconds)
            wrong += bool(covered.violations or covered.remaining)
            print(
                f"race {number}, {race.name}, at most {faults} faults: {covered.orders} orders followed, "
                f"{covered.states} states, {covered.calls} calls, {covered.ends} ends, "
                f"{covered.remaining or 'none'} remains, {covered.seconds:.0f} s",
                *covered.violations,
                sep="\n  VIOLATED: ",
                flush=True,
            )
            if covered.violations:
                print(*Replay(race, covered.moves).run(), sep="\n")
    return 1 if wrong else 0


def _many(first: int, arguments: argparse.Namespace) -> int:
    gc.freeze()
    gc.disable()  # a collection in the middle of a run would take more time than the run
    print(f"schedules from seed {first}", flush=True)
    began, used, calls, number, violated = time.monotonic(), time.process_time(), 0, 0, 0
    for seed in _seeds(first, arguments, began):
        number += 1
        try:
            result = run(schedule_of(seed))
        except Exception:
            print(f"seed {seed} ended the simulation; again: make simulate SEED={seed}", flush=True)
            raise
        calls += result.calls
        gc.collect(0)  # the objects of this run alone, while they are in the processor's cache
        if result.violations:
            violated += 1
            _report(seed, result if arguments.no_shrink else shrink(result))
            if violated == arguments.most:
                break
    took, used = time.monotonic() - began, time.process_time() - used
    print(
        f"{number} schedules, {calls} calls, {took:.0f} s, {60 * number / used:.0f} a minute of processor time: "
        f"{violated or 'none'} violated"
    )
    return 1 if violated else 0


def _seeds(first: int, arguments: argparse.Namespace, began: float) -> Iterator[int]:
    seed = first
    while time.monotonic() - began < arguments.seconds if arguments.seconds else seed < first + arguments.seeds:
        yield seed
        seed += 1


def _report(seed: int, result: Result) -> None:
    """Prints what was violated, the smallest schedule that shows it, and where the trace is."""
    lines = [*result.schedule.describe(), "", *result.lines, ""]
    path = Path(tempfile.gettempdir()) / f"callvault-simulation-{seed}.txt"
    path.write_text("\n".join([*lines, *(f"VIOLATED: {one}" for one in result.violations), ""]))
    print(f"seed {seed}:", *result.violations, sep="\n  ")
    print("  smallest schedule:", *result.schedule.describe(), sep="\n    ")
    print(f"  trace: {path}")
    print(f"  again: make simulate SEED={seed}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
