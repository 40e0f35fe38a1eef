"""Route templates of HTTP functions: literals and `{name}`, matched as ASP.NET Core does.

Literals match in any casing. If several templates match, the one that was registered first wins (measured). Before a
path is matched, it is decoded except for `%2F`, and its dot segments are resolved, including encoded ones. Constraints,
default values, optional and catch-all parameters aren't supported: a template that has them is refused.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote

from local.host.errors import ConfigError

_PARAMETER = re.compile(r"\{(\w+)\}")
_ENCODED_SLASH = re.compile(r"(%2[fF])")


@dataclass(frozen=True, kw_only=True)
class Route:
    template: str
    segments: tuple[str, ...]

    @classmethod
    def parse(cls, template: str) -> Self:
        """Raises ConfigError for a segment that is neither a literal nor one parameter."""
        segments = tuple(segment for segment in template.split("/") if segment)
        for segment in segments:
            if not _PARAMETER.fullmatch(segment) and ("{" in segment or "}" in segment):
                raise ConfigError(f"route segment {segment!r} is not supported here")
        return cls(template=template, segments=segments)

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the parameters for a path as `normalised` returns it. None if the path doesn't match."""
        stripped = path.strip("/")
        parts = stripped.split("/") if stripped else []
        if len(parts) != len(self.segments):
            return None
        values: dict[str, str] = {}
        for segment, part in zip(self.segments, parts, strict=True):
            parameter = _PARAMETER.fullmatch(segment)
            if parameter is not None and part:
                values[parameter[1]] = part
            elif part.lower() != segment.lower():
                return None
        return values


class BadPath(Exception):
    """A path that the server refuses because it contains NUL."""


def normalised(raw: str) -> str:
    """A raw path, decoded once and without dot segments. Raises BadPath."""
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
