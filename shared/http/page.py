"""The page: static files beside this module, served as they are, to anyone.

They hold no data. A browser that runs them may load scripts and styles from here only, talk to this app only, play
media from the archive only, and may show the page in no frame: a value from outside that slipped through as markup
would find nothing that it could do.
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
    "Cache-Control": "no-cache",  # kept, and asked after each time: modules of two versions must never meet
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
    """Serves the page. `media_origin` is where the archive's files are played from."""

    def __init__(self, media_origin: str) -> None:
        policy = "; ".join((*_POLICY, f"media-src {media_origin}"))
        self._headers = _HEADERS | {"Content-Security-Policy": policy}

    def page(self, known: str | None) -> Answer:
        return self.file(_INDEX, known)

    def file(self, name: str, known: str | None) -> Answer:
        """One of the page's files, or 304 where `known`, the request's If-None-Match, names what it is."""
        found = self._files.get(name)
        if found is None:
            return problem(NotFound("the page has no such file"))
        headers = {**self._headers, "ETag": found.etag}
        if known is not None and found.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return Answer(status=304, body="", media_type=found.media_type, headers=headers)
        return Answer(status=200, body=found.text, media_type=found.media_type, headers=headers)

    @cached_property
    def _files(self) -> Mapping[str, _File]:
        """All of them by name: a name that isn't in here leads nowhere, and so to no other file of the disk."""
        return {path.name: _read(path) for path in _FILES.iterdir() if path.suffix in _MEDIA_TYPES}


def _read(path: Path) -> _File:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _File(text=content.decode(), media_type=_MEDIA_TYPES[path.suffix], etag=etag)
