"""One process for one mutant: runs schedules until one is violated or the processor time is used up.

Prints the violation, or with `--lines` every line of the app that the schedules reached.
"""

import argparse
import gc
import importlib
import logging
import sys
import time
from pathlib import Path
from types import CodeType

from local.simulation.mutation import overlay

_CAUGHT = 1
_COLLECT_EVERY = 20  # runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="processor time")
    parser.add_argument("--first", type=int, required=True, help="the first seed")
    parser.add_argument("--known", help="a known defect")
    parser.add_argument("--lines", action="store_true", help="print the lines that were reached")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    lines = _reached() if arguments.lines else set()
    # These modules import the app, and must do so after the overlay was installed.
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
    print(*sorted(lines), sep="\n")
    return 0


def _reached() -> set[str]:
    """A set to which each line of the app is added when it runs for the first time."""
    root, lines = Path.cwd(), set[str]()

    def runs(code: CodeType, line: int) -> object:
        path = Path(code.co_filename)
        if path.is_relative_to(root / "shared"):
            lines.add(f"{path.relative_to(root)}:{line}")
        return sys.monitoring.DISABLE

    sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, "mutants")
    sys.monitoring.register_callback(sys.monitoring.COVERAGE_ID, sys.monitoring.events.LINE, runs)
    sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, sys.monitoring.events.LINE)
    return lines


if __name__ == "__main__":
    assert overlay  # noqa: S101 - imported for what its import does
    sys.exit(main())
