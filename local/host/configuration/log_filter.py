"""host.json's logging.logLevel: the lowest level that is written for each category. The longest matching prefix wins.

The categories are `Function.NAME.User` for the app's lines, `Function.NAME` for invocations, and `Host` for the rest.
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
        """Raises ConfigError for an unknown level."""
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
