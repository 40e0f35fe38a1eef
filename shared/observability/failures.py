"""Logs the failure of a function and converts cancellations into errors.

The host reports a request for an HTTP or Event Grid function. For a storage queue or a timer it reports none in
OpenTelemetry mode (Azure/azure-sdk-for-net#49793), so an alert needs a log line. A function that lets
asyncio.CancelledError escape is never answered by Microsoft's worker: the invocation hangs until `functionTimeout`, and
then the worker dies with everything else it runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from shared.errors import CallvaultError, Interrupted
from shared.observability.logs import logger

log = logger("failures")


@contextmanager
def told(function: str) -> Iterator[None]:
    """Logs what the work of a function raises and passes it on, so that the host repeats the message.

    Raises Interrupted in place of a cancellation. Only the reason is logged: an exception's text may hold an address.
    """
    try:
        yield
    except asyncio.CancelledError:
        interrupted = Interrupted("the work was interrupted; nothing is known to be lost by it")
        _report(function, interrupted.reason)
        raise interrupted from None
    except Exception as error:
        _report(function, error.reason if isinstance(error, CallvaultError) else type(error).__name__)
        raise


def reported[**P, T](function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """The function with `told` around it, under its own name."""

    @wraps(function)
    async def guarded(*args: P.args, **named: P.kwargs) -> T:
        with told(function.__name__):
            return await function(*args, **named)

    return guarded


def _report(function: str, reason: str) -> None:
    extra = {"action": "invoke", "function": function, "reason": reason}
    log.error("function failed", extra=extra)  # without the exception's text and stack, which may contain URLs
