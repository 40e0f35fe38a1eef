"""Structured logs that survive the trip: what a line says of its subject stands in its text, too.

The Functions worker sends the platform a record's text and level and drops its `extra` fields, so without this an
operator would read "lease lost" and not of what.
"""

import json
import logging
from collections.abc import MutableMapping
from typing import Any


class StructuredLogger(logging.LoggerAdapter[logging.Logger]):
    """Appends the fields given as `extra` to the message as JSON. Messages are constant: they take no arguments."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = kwargs.get("extra")
        return (f"{msg} {json.dumps(extra, default=str)}" if extra else msg), kwargs


def logger(room: str) -> StructuredLogger:
    """The logger of a module, below `callvault`."""
    return StructuredLogger(logging.getLogger(f"callvault.{room}"))
