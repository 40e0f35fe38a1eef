"""Log lines: one JSON object a line, the same shape for the host's own records and for those of the app.

A line holds time (UTC), level, function, invocation, logger, message, and the record's `extra` fields and traceback
where there are any; `lost` says why the real worker would lose it (see `telemetry`). The worker writes its lines to a
pipe itself and at once, so that they outlive a killed worker.
"""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

type Line = dict[str, Any]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FORMATTER = logging.Formatter()


class Sink(Protocol):
    def __call__(self, line: Line) -> None: ...


def timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def line_of(record: logging.LogRecord, promoted: Sequence[str] = ()) -> Line:
    """`promoted`: extra fields that stand beside the message, not among the extra ones."""
    line: Line = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    line |= {name: extra.pop(name) for name in promoted if name in extra}
    if extra:
        line["extra"] = extra
    if record.exc_info:
        line["exception"] = _FORMATTER.formatException(record.exc_info)
    return line


def text_of(line: Line) -> str:
    return json.dumps(line, default=str, ensure_ascii=False) + "\n"


class LineHandler(logging.Handler):
    """Hands each record to a sink.

    What is known of the invocation comes from `about`, or for the host's own records from the `promoted` extra fields.
    """

    about: Callable[[logging.LogRecord], Line] = staticmethod(lambda _record: {})

    def __init__(self, sink: Sink, promoted: Sequence[str] = ()) -> None:
        super().__init__()
        self._sink = sink
        self._promoted = promoted

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink({**line_of(record, self._promoted), **self.about(record)})
        except Exception:  # noqa: BLE001 - logging's own contract: a record that can't be written is told on stderr
            self.handleError(record)
