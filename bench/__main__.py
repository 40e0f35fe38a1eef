"""`python -m bench [ROW ...]` measures, shows the results, and writes those of a full run to bench/results.md.

Exits with 1 if the bench fails. A missed target is shown, but doesn't fail the bench.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.copying.row import copying
from bench.growth.row import growing
from bench.machine import describe
from bench.options import Options
from bench.programs import BenchError
from bench.report import Findings, show, write
from bench.startup import starting
from bench.whole.memory import remembering
from bench.whole.small import small_chunks
from local.processes.interruption import InterruptedBySignalError, interruptible
from local.stack import LOCAL, ChildError

_ROWS: Mapping[str, Callable[[Options], Awaitable[Findings]]] = {
    "copy": copying,
    "small": small_chunks,
    "growth": growing,
    "start": starting,
    "memory": remembering,
}
_RESULTS = Path(__file__).parent / "results.md"
_INTERRUPTED = 130  # a shell's exit code for Ctrl-C


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    arguments = _arguments()
    try:
        asyncio.run(interruptible(_bench(console, arguments), with_parent=True))
    except InterruptedBySignalError:
        console.print("Interrupted. No process is left running.")
        return _INTERRUPTED
    except (BenchError, ChildError) as error:
        console.print(f"[bold red]The bench failed.[/] {error}")
        return 1
    return 0


async def _bench(console: Console, arguments: argparse.Namespace) -> None:
    found = []
    LOCAL.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=LOCAL) as place:
        for row in arguments.rows or _ROWS:
            directory = Path(place) / row
            directory.mkdir()
            options = Options(
                rounds=arguments.rounds,
                sizes=tuple(arguments.sizes),
                only=tuple(arguments.only),
                profile=arguments.profile,
                chunks=arguments.chunks,
                recordings=tuple(arguments.recordings),
                place=directory,
                console=console,
            )
            found.append(await _ROWS[row](options))
            show(console, found[-1])
    if arguments.results is not None:
        write(arguments.results, describe(), found, rounds=arguments.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Compares Callvault with its peers and limits.")
    add = parser.add_argument
    add("rows", nargs="*", choices=[*_ROWS, []], metavar="ROW", help=", ".join(_ROWS))
    add("--rounds", type=int, default=5, help="number of turns of each contestant (5)")
    add("--sizes", type=int, nargs="+", default=[256, 2048], help="sizes of the copied files in MiB (256 2048)")
    add("--only", nargs="+", default=[], help="contestants of the copy (all)")
    add("--profile", action="store_true", help="show where Callvault spends its CPU time")
    add("--chunks", type=int, default=500, help="number of small chunks (500)")
    add(
        "--recordings",
        type=int,
        nargs="+",
        default=[1000, 10_000, 100_000],
        help="numbers of recordings in the catalogue (1000 10000 100000)",
    )
    add("--results", type=Path, help=f"file for the tables ({_RESULTS.name} for a full run)")
    arguments = parser.parse_args()
    if arguments.results is None and not (arguments.rows or arguments.only or arguments.profile):
        arguments.results = _RESULTS
    return arguments


if __name__ == "__main__":
    sys.exit(main())
