"""`python -m bench [ROW ...]`: measures, shows what was found, and writes that of a full run to bench/results.md.

Exits with 1 when the bench could not go on. A missed target is shown, and is no failure of the bench.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.copying.row import copying
from bench.growth import growing
from bench.machine import describe
from bench.options import Options
from bench.programs import BenchError
from bench.report import Findings, show, write
from bench.startup import starting
from bench.whole.memory import remembering
from bench.whole.small import small_chunks
from local.stack import LOCAL, ChildError
from local.stack.interruption import InterruptedBySignalError, interruptible

_ROWS: Mapping[str, Callable[[Options], Awaitable[Findings]]] = {
    "copy": copying,
    "small": small_chunks,
    "growth": growing,
    "start": starting,
    "memory": remembering,
}
_RESULTS = Path(__file__).parent / "results.md"
_INTERRUPTED = 130  # what a shell answers for Ctrl-C


def main() -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    arguments = _arguments()
    try:
        asyncio.run(interruptible(_bench(console, arguments), with_parent=True))
    except InterruptedBySignalError:
        console.print("Interrupted. Nothing is running any more.")
        return _INTERRUPTED
    except (BenchError, ChildError) as error:
        console.print(f"[bold red]The bench could not go on.[/] {error}")
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
    parser = argparse.ArgumentParser(prog="make bench", description="Measures Callvault beside its peers.")
    parser.add_argument("rows", nargs="*", choices=[*_ROWS, []], metavar="ROW", help=", ".join(_ROWS))
    parser.add_argument("--rounds", type=int, default=5, help="turns that every contestant takes (5)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 2048], help="MiB, of files (256 2048)")
    parser.add_argument("--only", nargs="+", default=[], help="contestants of the copy")
    parser.add_argument("--profile", action="store_true", help="where ours spends its CPU")
    parser.add_argument("--chunks", type=int, default=500, help="small ones through the whole stack (500)")
    parser.add_argument(
        "--recordings", type=int, nargs="+", default=[1000, 10_000, 100_000], help="in the catalogue, as it grows"
    )
    parser.add_argument("--results", type=Path, help=f"where the tables are kept ({_RESULTS.name} for a full run)")
    arguments = parser.parse_args()
    if arguments.results is None and not (arguments.rows or arguments.only or arguments.profile):
        arguments.results = _RESULTS
    return arguments


if __name__ == "__main__":
    sys.exit(main())
