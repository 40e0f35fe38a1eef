"""`python -m local.faults.mutation` checks that the schedules detect each of the known defects.

Each mutant runs on its own stack, with a few schedules of the scenarios that must detect it. Exits with 0 if all were
detected, and with 1 if one wasn't or couldn't be installed.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import replace

from rich.console import Console

from local.faults.batches import runner
from local.faults.batches.batch import Outcome
from local.faults.mutation.mutant_batch import batch_of
from local.faults.mutation.mutants import Mutant, known
from local.processes.interruption import InterruptedBySignalError, interruptible
from local.stack import LOCAL, ChildError

_INTERRUPTED = 130


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.faults.mutation", description="Checks that known defects are detected."
    )
    parser.add_argument("--only", action="append", default=[], choices=sorted(known()), metavar="NAME")
    parser.add_argument(
        "--control", action="store_true", help="run the same schedules without the defects; all must pass"
    )
    parser.add_argument("--list", action="store_true", help="list the defects")
    arguments = parser.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    chosen = [one for one in known().values() if not arguments.only or one.name in arguments.only]
    if arguments.list:
        for one in chosen:
            console.print(f"{one.name}: {one.defect}")
        return 0
    try:
        return asyncio.run(interruptible(_run(chosen, console, is_control=arguments.control), with_parent=True))
    except InterruptedBySignalError:
        console.print("Interrupted. All processes have ended.")
        return _INTERRUPTED


async def _run(chosen: list[Mutant], console: Console, *, is_control: bool) -> int:
    survived = 0
    for one in chosen:
        began = time.monotonic()
        try:
            batch = replace(batch_of(one), settings={}) if is_control else batch_of(one)
            outcome = await runner.run(batch, LOCAL / "mutants")
        except ChildError as error:
            console.print(f"[bold red]✗[/] {one.name} couldn't be installed. {error}", soft_wrap=True)
            survived += 1
            continue
        detected = bool(outcome.violations) is not is_control
        survived += not detected
        verdict = "[bold green]✓[/]" if detected else "[bold red]✗[/]"
        console.print(f"{verdict} {one.name}, {time.monotonic() - began:.0f} s: {_shown(outcome)}", soft_wrap=True)
    result = "schedules without a defect passed" if is_control else "mutants detected"
    console.print(f"{len(chosen) - survived} of {len(chosen)} {result}")
    return 1 if survived else 0


def _shown(outcome: Outcome) -> str:
    if not outcome.violations:
        return f"no violation; logs: {outcome.logs}"
    return outcome.violations[0].sentence


if __name__ == "__main__":
    sys.exit(main())
