"""Serves the operators' page: static files, without authorization, because they contain no data.

The folders of shared/page group the scripts for people. All files are served under one path by their names, which are
unique, so a script imports another by its name, whatever their folders.

The content security policy allows scripts, styles and requests from this app only and media from the archive only, and
forbids frames. Markup that an attacker injects through data therefore can't run anything.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shared.errors import NotFound
from shared.http.answers import Answer, problem

_FILES = Path(__file__).parents[1] / "page"
_INDEX = "index.html"
_MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".md": "text/markdown",
}
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
_HEADERS = {
    "Cache-Control": "no-cache",  # revalidate each time, so that a browser never mixes modules of two versions
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True)
class _File:
    text: str
    media_type: str
    etag: str


class Dashboard:
    """Serves the page. `media_origin` is the origin of the archive's files, which the page plays."""

    def __init__(self, media_origin: str) -> None:
        policy = "; ".join((*_POLICY, f"media-src {media_origin}"))
        self._headers = _HEADERS | {"Content-Security-Policy": policy}

    def page(self, known: str | None) -> Answer:
        return self.file(_INDEX, known)

    def file(self, name: str, known: str | None) -> Answer:
        """One of the page's files, or 304 if `known`, the request's If-None-Match header, contains its ETag."""
        found = self._files.get(name)
        if found is None:
            return problem(NotFound("the page has no file of this name"))
        headers = {**self._headers, "ETag": found.etag}
        if known is not None and found.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return Answer(status=304, body="", media_type=found.media_type, headers=headers)
        return Answer(status=200, body=found.text, media_type=found.media_type, headers=headers)

    @cached_property
    def _files(self) -> Mapping[str, _File]:
        """All files by name. Requests are only looked up in this mapping, so they read no other files."""
        return {path.name: _read(path) for path in _FILES.rglob("*") if path.suffix in _MEDIA_TYPES}


def _read(path: Path) -> _File:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _File(text=content.decode(), media_type=_MEDIA_TYPES[path.suffix], etag=etag)
