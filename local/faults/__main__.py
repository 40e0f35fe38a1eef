"""`python -m local.faults --seeds 200` runs random schedules on the whole stack and prints a table of the results.

Exits with 0 if every invariant held, else with 1 and the seed that repeats the violation.
"""

import argparse
import asyncio
import sys
import time
from itertools import batched

from rich.console import Console
from rich.table import Table

from local.faults.batches import results, runner
from local.faults.batches.batch import SIZE, Outcome, of_seeds
from local.faults.running_stack.stack_client import StackClientError
from local.faults.schedules.scenarios import Scenario
from local.processes.interruption import InterruptedBySignalError, interruptible
from local.stack import LOCAL, ChildError

_INTERRUPTED = 130  # a shell's exit code for Ctrl-C


def main() -> int:
    arguments = _parser().parse_args()
    seeds = (
        [arguments.seed] if arguments.seed is not None else range(arguments.first, arguments.first + arguments.seeds)
    )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    try:
        return asyncio.run(interruptible(_run(list(seeds), arguments.scenario, console), with_parent=True))
    except InterruptedBySignalError:
        console.print("Interrupted. All processes have ended.")
        return _INTERRUPTED
    except (ChildError, StackClientError) as error:
        console.print(f"[bold red]The schedules stopped.[/] {error}")
        return 1


async def _run(seeds: list[int], scenarios: list[Scenario], console: Console) -> int:
    """Stops at the first batch with a violation, before the next batch overwrites its logs."""
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for chosen in batched(seeds, SIZE, strict=False):
        outcome = await runner.run(of_seeds(chosen, scenarios), LOCAL / "faults")
        outcomes.append(outcome)
        verdict = "[bold red]✗[/]" if outcome.violations else "[bold green]✓[/]"
        console.print(f"{verdict} seeds {chosen[0]} to {chosen[-1]}, {time.monotonic() - began:.0f} s")
        if outcome.violations:
            break
    console.print(_table(outcomes))
    sentences = [sentence for outcome in outcomes for sentence in results.report(outcome)]
    for sentence in sentences:
        console.print(f"[bold red]✗[/] {sentence}", soft_wrap=True)
    return 1 if sentences else 0


def _table(outcomes: list[Outcome]) -> Table:
    shown = Table(show_header=False)
    for name, number in results.rows(outcomes):
        shown.add_row(name, f"{number:,}")
    return shown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.faults", description="Random schedules of faults.")
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="how many schedules (default 20)")
    parser.add_argument("--from", type=int, default=0, metavar="N", dest="first", help="the first seed (default 0)")
    parser.add_argument("--scenario", type=Scenario, action="append", default=[], help=", ".join(Scenario))
    parser.add_argument("--seed", type=int, metavar="N", help="only this schedule")
    return parser


if __name__ == "__main__":
    sys.exit(main())
