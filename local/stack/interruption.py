"""Ctrl-C and `kill` as an orderly end: the work is cancelled once, so that everything it holds is released.

Further signals while that goes on change nothing; the time it takes is bounded by the grace of each process.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedBySignalError(Exception):
    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


async def interruptible[T](work: Coroutine[Any, Any, T], *, on_signal: Callable[[], None] = lambda: None) -> T:
    """Result of the work; InterruptedBySignalError, once the work has wound up, if a signal came first."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    received: list[signal.Signals] = []

    def interrupt(number: signal.Signals) -> None:
        if not received:
            received.append(number)
            on_signal()
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, interrupt, number)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        if received:
            raise InterruptedBySignalError(received[0])
        raise asyncio.CancelledError
    finally:
        task.cancel()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
