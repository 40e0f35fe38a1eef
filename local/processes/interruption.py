"""Orderly shutdown on Ctrl-C and `kill`: the work is cancelled once and can release what it holds.

Further signals during the shutdown are ignored. Its duration is limited by the grace period of each process.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PARENT_POLL_SECONDS = 0.25


class InterruptedBySignalError(Exception):
    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


async def interruptible[T](
    work: Coroutine[Any, Any, T], *, on_signal: Callable[[], None] = lambda: None, with_parent: bool = False
) -> T:
    """Returns the result of the work. If a signal arrives first, raises InterruptedBySignalError after the shutdown.

    `with_parent` treats the end of the parent process as a signal, because a killed `make` can't pass one on.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    received: list[signal.Signals] = []

    def interrupt(number: signal.Signals) -> None:
        if not received:
            received.append(number)
            on_signal()
            task.cancel()

    async def watch_parent(parent: int) -> None:
        while os.getppid() == parent:  # noqa: ASYNC110 - there is no event for the end of a parent
            await asyncio.sleep(PARENT_POLL_SECONDS)
        interrupt(signal.SIGHUP)

    watch = asyncio.create_task(watch_parent(os.getppid())) if with_parent else None
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
        if watch is not None:
            watch.cancel()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
