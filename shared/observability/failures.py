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
def reporting_failures(function: str) -> Iterator[None]:
    """Logs an exception that a function raises and raises it again, so that the host retries the message.

    Raises Interrupted in place of a cancellation. Logs only the reason: an exception's text may contain a URL.
    """
    try:
        yield
    except asyncio.CancelledError:
        interrupted = Interrupted(
            "the request was interrupted before it finished. Send it again, with the same Idempotency-Key"
        )
        _report(function, interrupted.reason)
        raise interrupted from None
    except Exception as error:
        _report(function, error.reason if isinstance(error, CallvaultError) else type(error).__name__)
        raise


def reported[**P, T](function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Wraps the function in `reporting_failures`, under the function's own name."""

    @wraps(function)
    async def guarded(*args: P.args, **named: P.kwargs) -> T:
        with reporting_failures(function.__name__):
            return await function(*args, **named)

    return guarded


def _report(function: str, reason: str) -> None:
    extra = {"action": "invoke", "function": function, "reason": reason}
    log.error("function failed", extra=extra)  # without the exception's text and stack, which may contain URLs
