"""host.json's logging.logLevel: the least level that is written, by category, the longest matching prefix first.

The categories are `Function.NAME.User` for what the app logs, `Function.NAME` for its invocations, `Host` for the rest.
"""

import logging
from collections.abc import Mapping

from local.host.errors import ConfigError
from local.host.logs import Line

_LEVELS = {
    "trace": logging.NOTSET,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


class LogFilter:
    def __init__(self, log_levels: Mapping[str, str]) -> None:
        """Raises ConfigError for a level there isn't."""
        self._least = {}
        for category, name in log_levels.items():
            if name.lower() not in _LEVELS:
                raise ConfigError(f"host.json: logging.logLevel.{category} must be one of {', '.join(_LEVELS)}")
            self._least[category.lower()] = _LEVELS[name.lower()]

    def __call__(self, line: Line) -> bool:
        return logging.getLevelNamesMapping().get(line["level"], logging.INFO) >= self._least_of(_category(line))

    def _least_of(self, category: str) -> int:
        parts = category.lower().split(".")
        for length in range(len(parts), 0, -1):
            least = self._least.get(".".join(parts[:length]))
            if least is not None:
                return least
        return self._least.get("default", logging.INFO)


def _category(line: Line) -> str:
    function = line.get("function")
    if line["logger"].startswith("host"):
        return f"Function.{function}" if function else "Host"
    return f"Function.{function}.User" if function else "Host"
