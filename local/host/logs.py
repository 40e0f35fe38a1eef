"""Log lines: one JSON object for each line, in the same format for the host's and the app's records.

A line has the time (UTC), level, function, invocation, logger and message, and the record's `extra` fields and
traceback, if any. `lost` is the reason if the real worker would lose the line (see `telemetry`). The worker writes its
lines to a pipe immediately, so they aren't lost when it is killed.
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
    """`promoted` names extra fields that become fields of the line itself."""
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
    """Passes each record to a sink.

    The invocation's fields come from `about`, or for the host's own records from the `promoted` extra fields.
    """

    about: Callable[[logging.LogRecord], Line] = staticmethod(lambda _record: {})

    def __init__(self, sink: Sink, promoted: Sequence[str] = ()) -> None:
        super().__init__()
        self._sink = sink
        self._promoted = promoted

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink({**line_of(record, self._promoted), **self.about(record)})
        except Exception:  # noqa: BLE001 - logging's contract: a record that can't be written is reported on stderr
            self.handleError(record)
