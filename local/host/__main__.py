"""The command line: `python -m local.host`.

Exits with 1 when the app or its settings are invalid, and with 0 after a stop signal or a long storage outage.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from local.host.configuration.config import read_host_json, read_settings
from local.host.configuration.keys import Keys
from local.host.configuration.log_filter import LogFilter
from local.host.configuration.options import Options
from local.host.errors import HostError, IndexingFailed
from local.host.host import Host
from local.host.logs import Line, LineHandler, text_of


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _key(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.host", description="Runs an Azure Functions app (Python v2)."
    )
    add = parser.add_argument
    add("--app", type=Path, default=Path(), metavar="DIR", help="the app's directory, with host.json (default: here)")
    add("--port", type=int, default=0, help="default: a free port, written to the ready file")
    add("--workers", type=_positive, default=1, help="instances of the app, each a worker process (default 1)")
    add("--settings", type=Path, metavar="FILE", help="default: the app's local.settings.json, if it exists")
    add("--function-key", type=_key, metavar="K", help="default: random")
    add("--system-key", type=_key, metavar="K", help="the key of the Event Grid webhook; default: random")
    add("--master-key", type=_key, metavar="K", help="the key of the admin endpoints; default: random")
    add("--no-auth", action="store_true", help="requests need no key")
    add(
        "--ready", type=Path, metavar="FILE", help="written when the host is ready, kept up to date, removed at the end"
    )
    add("--log", type=Path, metavar="FILE", help="default: stderr")
    add("--timer-status", type=Path, metavar="FILE", help="keeps the last runs, so that a timer can be past due")
    add(
        "--queue-visibility", type=_positive, default=600, metavar="SECONDS", help="of a received message (default 600)"
    )
    add("--grace", type=float, default=10, metavar="SECONDS", help="for running functions at the end (default 10)")
    add(
        "--storage-patience",
        type=_positive,
        metavar="SECONDS",
        help="the host ends when a queue's storage is unreachable for so long; Azure's sometimes does after 40",
    )
    add("--worker-plugin", metavar="MODULE", help="a module that each worker imports before the app")
    return parser


def _options(arguments: argparse.Namespace, log: TextIO) -> Options:
    app: Path = arguments.app.resolve()
    default = app / "local.settings.json"
    settings = read_settings(arguments.settings or (default if default.exists() else None), os.environ)
    config = read_host_json(app, settings.values)
    allowed = LogFilter(config.log_levels)

    def sink(line: Line) -> None:
        if allowed(line):
            log.write(text_of(line))
            log.flush()

    logging.basicConfig(level=logging.INFO, handlers=[LineHandler(sink, ("function", "invocation", "exception"))])
    # The SDK logs every request. The listeners' polling would fill the log.
    logging.getLogger("azure").setLevel(logging.WARNING)
    for name in settings.skipped:
        logging.getLogger("host").info("setting %s is ignored: the environment has it", name)
    given = {"function": arguments.function_key, "system": arguments.system_key, "master": arguments.master_key}
    return Options(
        app=app,
        config=config,
        settings=settings,
        keys=Keys(enforced=not arguments.no_auth, **{name: key for name, key in given.items() if key}),
        sink=sink,
        port=arguments.port,
        workers=arguments.workers,
        plugin=arguments.worker_plugin,
        ready=arguments.ready,
        timer_status=arguments.timer_status,
        queue_visibility=timedelta(seconds=arguments.queue_visibility),
        grace=timedelta(seconds=arguments.grace),
        storage_patience=timedelta(seconds=patience) if (patience := arguments.storage_patience) else None,
    )


async def _run(options: Options) -> None:
    signalled = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, signalled.set)
    host = Host(options)
    starting = asyncio.create_task(host.start())
    ends = [asyncio.create_task(signalled.wait()), asyncio.create_task(host.gone.wait())]
    try:
        await asyncio.wait((starting, *ends), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (starting, *ends):
            task.cancel()
        await asyncio.gather(starting, *ends, return_exceptions=True)
        await host.stop()


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    if arguments.ready is not None:
        arguments.ready.unlink(missing_ok=True)
    log = arguments.log.open("a", encoding="utf-8") if arguments.log else sys.stderr
    try:
        asyncio.run(_run(_options(arguments, log)))
    except IndexingFailed as error:
        print(f"the app can't be loaded: {error}\n{error.traceback}", file=sys.stderr)
        return 1
    except HostError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"can't start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
