"""`python -m local.acs` runs the simulator as a process, until it gets a signal or its parent ends."""

import argparse
import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path

from local.acs.simulator import Options, Simulator

PR_SET_PDEATHSIG = 1

logger = logging.getLogger("local.acs")


def main() -> int:
    arguments = _parser().parse_args()
    _die_with_parent()
    if arguments.log:
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        filename=arguments.log,
    )
    options = Options(
        state=arguments.state,
        tls_port=arguments.tls_port,
        control_port=arguments.control_port,
        event_delay=arguments.event_delay,
        retention=arguments.retention,
        oddities=not arguments.no_oddities,
    )
    try:
        return asyncio.run(_run(options, arguments.ready))
    finally:
        if arguments.ready:
            arguments.ready.unlink(missing_ok=True)


async def _run(options: Options, ready: Path | None) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        async with Simulator(options) as simulator:
            addresses = {
                "control": simulator.control,
                "tls": simulator.tls,
                "ca": str(simulator.ca),
                "connectionString": simulator.connection_string,
                "topicEndpoint": simulator.topic_endpoint,
                "topicKey": simulator.topic_key,
                "pid": os.getpid(),
            }
            logger.info("Control on %s, TLS on %s", simulator.control, simulator.tls)
            if ready:
                _write(ready, json.dumps(addresses))
            else:
                print(json.dumps(addresses, indent=2), flush=True)
            await stopping.wait()
    except OSError as error:
        print(f"The ACS simulator can't start: {error}", file=sys.stderr)
        return 1
    return 0


def _write(ready: Path, text: str) -> None:
    ready.parent.mkdir(parents=True, exist_ok=True)
    partial = ready.with_name(f".{ready.name}.{os.getpid()}")
    partial.write_text(text)
    partial.rename(ready)


def _die_with_parent() -> None:
    """On Linux, the kernel sends SIGTERM when the parent ends, even after a SIGKILL."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("The parent process ended before the simulator started.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.acs", description="Simulates ACS call recording.")
    add = parser.add_argument
    add("--tls-port", type=int, default=0, help="port of ACS's hosts (default: a free port)")
    add("--control-port", type=int, default=0, help="port of the control API (default: a free port)")
    add("--state", type=Path, default=Options.state, metavar="DIR", help="for temporary files (default: .local/acs)")
    add("--ready", type=Path, metavar="FILE", help="file for the addresses, written when the simulator listens")
    add("--event-delay", type=float, default=Options.event_delay, metavar="SECONDS", help="from a recording's end")
    add("--retention", type=float, default=Options.retention, metavar="SECONDS", help="lifetime of a file")
    add("--no-oddities", action="store_true", help="no unusual answers or fields, unless a document asks for them")
    add("--log", type=Path, metavar="FILE", help="default: standard error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
