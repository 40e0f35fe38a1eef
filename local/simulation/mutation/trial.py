"""One process for one mutant: runs schedules until one is violated or the processor time is used up.

Prints the violation, and how many schedules and how much processor time it took.
"""

import argparse
import gc
import importlib
import logging
import sys
import time

from local.simulation.mutation import overlay

_CAUGHT = 1
_COLLECT_EVERY = 20  # runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="processor time")
    parser.add_argument("--first", type=int, required=True, help="the first seed")
    parser.add_argument("--known", help="a known defect")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    # Both modules import the app, and must do so after the overlay was installed.
    simulation = importlib.import_module("local.simulation.run")
    schedules = importlib.import_module("local.simulation.schedules.schedule")
    if arguments.known:
        importlib.import_module("local.faults.mutation.mutants").known()[arguments.known].install()
    gc.disable()
    number = 0
    while time.process_time() < arguments.seconds:
        seed = arguments.first + number
        result = simulation.run(schedules.schedule_of(seed))
        number += 1
        if number % _COLLECT_EVERY == 0:
            gc.collect()
        if result.violations:
            print(f"seed {seed}, {time.process_time():.0f} s: {result.violations[0]}")
            return _CAUGHT
    print(f"{number} schedules without a violation")
    return 0


if __name__ == "__main__":
    assert overlay  # noqa: S101 - imported for what its import does
    sys.exit(main())
