"""Determines which of an app's log lines the real worker loses, so that no alert can use them.

A line arrives if it is logged inside a running invocation, on the worker's event loop or in the thread of a sync
function. Lost are lines that are logged at import, by other threads, by tasks and callbacks that outlive their
invocation, and by loggers whose name begins with `azure.functions` (measured on host 4.1037.0).
"""

import logging
import threading
from collections.abc import Container

from azure_functions_runtime.bindings.context import (  # type: ignore[import-untyped] # the library has no type marker
    _invocation_id_local as of_sync_functions,
)

_LOST_LOGGERS = "azure.functions"


def loss(record: logging.LogRecord, invocation: str | None, running: Container[str]) -> str | None:
    """Why the line is lost. None if it arrives. `invocation` is the invocation that logs the line."""
    if record.name.startswith(_LOST_LOGGERS):
        return "logger"
    if invocation is None:
        return "no invocation"
    if invocation not in running:
        return "invocation has ended"
    is_sync = getattr(of_sync_functions, "invocation_id", None) == invocation
    if threading.current_thread() is not threading.main_thread() and not is_sync:
        return "thread"
    return None
