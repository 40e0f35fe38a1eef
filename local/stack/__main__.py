"""`python -m local.stack up` runs the local stack until Ctrl-C. Stored data and keys are kept for the next run.

`python -m local.stack running` fails, and says how to start the stack, if none is running.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from local.processes.child_processes import ChildError
from local.processes.interruption import InterruptedBySignalError, interruptible
from local.stack.greeting import greet
from local.stack.options import CHECKOUT, LOCAL, StackOptions
from local.stack.stack import Stack
from local.stack.stack_directory import BusyError, holder


def main() -> int:
    arguments = _arguments()
    if arguments.command == "running":
        return _running(arguments.directory / "up")
    console = Console(highlight=False, soft_wrap=True)
    options = StackOptions(
        directory=arguments.directory / "up",
        address_file=arguments.directory / "stack.json",
        app=arguments.app,
        port=arguments.port,
        workers=arguments.workers,
        host=arguments.host,
    )
    try:
        asyncio.run(
            interruptible(
                _up(options, console),
                on_signal=lambda: console.print("\nStopping …"),
                with_parent=arguments.with_parent,
            )
        )
    except InterruptedBySignalError:
        console.print("Stopped. No process is left running.")
        return 0
    except (ChildError, BusyError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), style="red", markup=False)
    return 1


def _running(directory: Path) -> int:
    if holder(directory) is not None:
        return 0
    sys.stderr.write(
        "The local stack isn't running. Start it in another terminal with: make up\n"
        "To check a deployment instead, name its settings: make doctor SETTINGS=FILE,\n"
        "or SETTINGS= for those in the environment.\n"
    )
    return 1


async def _up(options: StackOptions, console: Console) -> NoReturn:
    console.print("Starting Azurite, the ACS simulator and the function app …")
    async with Stack(options) as stack:
        greet(console, stack.addresses, str(stack.address_file))
        failure = await stack.failure()
    raise failure


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.stack", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    running = commands.add_parser("running", help="fail if no stack is running")
    up = commands.add_parser("up", help="start the stack and keep it running until Ctrl-C")
    up.add_argument("--port", type=int, default=0, help="of the function app (default: a free port)")
    up.add_argument("--workers", type=_positive, default=1, help="instances of the function app (default 1)")
    up.add_argument(
        "--host",
        choices=("callvault", "func"),
        default="callvault",
        help="host of the function app: the repository's own, or Azure Functions Core Tools (default callvault)",
    )
    up.add_argument("--app", type=Path, default=CHECKOUT, help="directory of the function app (default: this checkout)")
    for command in (up, running):
        command.add_argument(
            "--directory", type=Path, default=LOCAL, help="for storage, keys, logs and stack.json (default: .local)"
        )
    up.add_argument("--with-parent", action="store_true", help="stop when the parent process ends")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
