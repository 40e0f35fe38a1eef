"""Says aloud when a function fails that nobody waits for.

A caller or Event Grid gets an answer, and the host reports a request with it. Of a storage queue's function it reports
none in OpenTelemetry mode (Azure/azure-sdk-for-net#49793), so that an alert would have nothing to go by.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import CallvaultError
from shared.logs import logger

log = logger("failures")


@contextmanager
def told(function: str) -> Iterator[None]:
    """The work of a function: what it raises goes on to the host, which brings the message again.

    Only the reason is told: an exception's text may hold an address.
    """
    try:
        yield
    except Exception as error:
        reason = error.reason if isinstance(error, CallvaultError) else type(error).__name__
        extra = {"action": "invoke", "function": function, "reason": reason}
        log.error("function failed", extra=extra)  # noqa: TRY400 - an exception's text and stack stay out
        raise
