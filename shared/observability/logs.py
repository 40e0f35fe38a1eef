"""Structured logs: each line's fields are also part of its text.

The Functions worker sends only a record's text and level to the platform and drops its `extra` fields. Without this, an
operator would read "lease lost" without the chunk's key.
"""

import json
import logging
from collections.abc import MutableMapping
from typing import Any


class StructuredLogger(logging.LoggerAdapter[logging.Logger]):
    """Appends the fields given as `extra` to the message as JSON. Messages are constants without arguments."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = kwargs.get("extra")
        return (f"{msg} {json.dumps(extra, default=str)}" if extra else msg), kwargs


def logger(room: str) -> StructuredLogger:
    """The logger of a module, below `callvault`."""
    return StructuredLogger(logging.getLogger(f"callvault.{room}"))
