"""The log lines of the code with their fields, read from its sources, and its metrics."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.observability.logs import logger

_SHARED = Path(__file__).parents[2] / "shared"
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@dataclass(frozen=True, kw_only=True)
class Said:
    """A log line: the levels at which it is logged, and the fields of the modules that log it."""

    levels: frozenset[str]
    fields: frozenset[str]


@cache
def log_lines() -> Mapping[str, Said]:
    """Each constant text that is logged below shared/."""
    levels: dict[str, set[str]] = defaultdict(set)
    fields: dict[str, set[str]] = defaultdict(set)
    common = _keys(ast.parse((_SHARED / "domain" / "records.py").read_text()))
    for file in _SHARED.rglob("*.py"):
        tree = ast.parse(file.read_text())
        for level, text in _calls(tree):
            levels[text].add(level)
            fields[text] |= common | _keys(tree)
    return {text: Said(levels=frozenset(levels[text]), fields=frozenset(fields[text])) for text in levels}


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[*_, ast.Constant(value=str(text))]
            ):
                assert level in _LEVELS
                yield level, text


def _keys(tree: ast.AST) -> set[str]:
    """Every constant key of a dictionary written out in a module: among them the fields of its log lines."""
    keys = (key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys)
    return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


@cache
def metric_names() -> frozenset[str]:
    tree = ast.parse((_SHARED / "observability" / "metrics.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    made = [one.args[0] for one in calls if one.func.attr.startswith("create_")]
    return frozenset(str(ast.literal_eval(name)) for name in made)


def rendered(text: str, **fields: object) -> str:
    """A line as it reaches the platform."""
    message, _ = logger("test").process(text, {"extra": fields})
    return str(message)
