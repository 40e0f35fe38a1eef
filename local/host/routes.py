"""Route templates of HTTP functions, matched as ASP.NET Core does.

`{name}`, `{name?}`, `{name=default}`, `{name:constraint}` and `{*rest}`; literals without regard to case. Of several
templates that match, the one registered first wins (measured). A path is decoded, save `%2F`, which stays, and its dot
segments are resolved before it is matched, those that were encoded too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from local.host.errors import ConfigError

_PARAMETER = re.compile(r"\{(\*{0,2})([^{}:=?]+)((?::[^{}=?]+)*)(=[^{}?]*)?(\?)?\}")
_ENCODED_SLASH = re.compile(r"(%2[fF])")
_CONSTRAINTS: Mapping[str, str] = {
    "int": r"[+-]?\d{1,10}",
    "long": r"[+-]?\d{1,19}",
    "decimal": r"[+-]?\d+(\.\d+)?",
    "double": r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?",
    "float": r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?",
    "bool": r"(?i:true|false)",
    "alpha": r"[A-Za-z]*",
    "guid": r"(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})",
}
_SIZED: Mapping[str, Callable[[str, int], bool]] = {
    "minlength": lambda text, limit: len(text) >= limit,
    "maxlength": lambda text, limit: len(text) <= limit,
    "length": lambda text, limit: len(text) == limit,
    "min": lambda text, limit: _is_int(text) and int(text) >= limit,
    "max": lambda text, limit: _is_int(text) and int(text) <= limit,
}
_INT_RANGE = range(-(2**31), 2**31)


def _is_int(text: str) -> bool:
    return re.fullmatch(_CONSTRAINTS["int"], text) is not None


def _constraint(text: str) -> Callable[[str], bool]:
    """Raises ConfigError for a constraint that is not supported."""
    if text == "int":
        return lambda value: _is_int(value) and int(value) in _INT_RANGE
    if pattern := _CONSTRAINTS.get(text):
        return lambda value: re.fullmatch(pattern, value) is not None
    name, _, argument = text.partition("(")
    check = _SIZED.get(name)
    if check is None or not argument.endswith(")") or not argument[:-1].isdigit():
        raise ConfigError(f"route constraint {text!r} is not supported")
    limit = int(argument[:-1])
    return lambda value: check(value, limit)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    name: str
    default: str | None
    is_optional: bool
    is_rest: bool
    constraints: tuple[Callable[[str], bool], ...]

    @property
    def may_be_absent(self) -> bool:
        return self.is_optional or self.is_rest or self.default is not None

    def accepts(self, value: str) -> bool:
        return all(constraint(value) for constraint in self.constraints)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A literal, a parameter, or text with parameters in it; `pattern` has a group for each parameter."""

    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]
    is_mixed: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        parameters: list[Parameter] = []
        pattern = ""
        position = 0
        for match in _PARAMETER.finditer(text):
            pattern += re.escape(text[position : match.start()]) + "(.+?)"
            position = match.end()
            stars, name, constraints, default, optional = match.groups()
            parameters.append(
                Parameter(
                    name=name,
                    default=default[1:] if default else None,
                    is_optional=optional is not None,
                    is_rest=bool(stars),
                    constraints=tuple(_constraint(part) for part in constraints.split(":") if part),
                )
            )
        pattern += re.escape(text[position:])
        if "{" in _PARAMETER.sub("", text):
            raise ConfigError(f"route segment {text!r} can't be read")
        is_whole = len(parameters) == 1 and text.startswith("{") and position == len(text)
        return cls(
            pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL),
            parameters=tuple(parameters),
            is_mixed=bool(parameters) and not is_whole,
        )

    def match(self, text: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        values = dict(zip((p.name for p in self.parameters), found.groups(), strict=True))
        return values if all(p.accepts(values[p.name]) for p in self.parameters) else None

    def absent(self) -> dict[str, str] | None:
        """The values where the path ends before this segment; None where it must not."""
        if len(self.parameters) != 1 or not self.parameters[0].may_be_absent or self.is_mixed:
            return None
        parameter = self.parameters[0]
        return {} if parameter.default is None else {parameter.name: parameter.default}


@dataclass(frozen=True, kw_only=True)
class Route:
    template: str
    segments: tuple[Segment, ...] = field(repr=False)

    @classmethod
    def parse(cls, template: str) -> Self:
        """Raises ConfigError."""
        texts = [text for text in template.split("/") if text]
        return cls(template=template, segments=tuple(Segment.parse(text) for text in texts))

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the parameters for a path as `normalised` gives it, or None."""
        parts = path.strip("/").split("/") if path.strip("/") else []
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if segment.parameters and segment.parameters[0].is_rest and parts[index:]:
                found = segment.match("/".join(parts[index:]))
                return None if found is None else values | found
            found = segment.match(parts[index]) if index < len(parts) else segment.absent()
            if found is None:
                return None
            values |= found
        return values if len(parts) <= len(self.segments) else None


class BadPath(Exception):
    """A path that the server refuses: with a NUL in it."""


def normalised(raw: str) -> str:
    """A raw path decoded once, without dot segments. Raises BadPath."""
    kept: list[str] = []
    for segment in map(_decoded, raw.split("/")):
        if "\0" in segment:
            raise BadPath(raw)
        if segment == "..":
            kept = [*kept[:1], *kept[1:-1]]
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept) if len(kept) > 1 else "/"


def _decoded(segment: str) -> str:
    return "".join(part if _ENCODED_SLASH.fullmatch(part) else unquote(part) for part in _ENCODED_SLASH.split(segment))
