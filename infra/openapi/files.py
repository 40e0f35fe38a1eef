"""The two files of the API description in the checkout: their content, and whether they are current.

The content depends only on the code and the locked version of pydantic, so the same checkout gives the same bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from infra.openapi.document import openapi
from infra.openapi.swagger import swagger
from shared import __version__
from shared.http.description import Document

_CHECKOUT = Path(__file__).parents[2]


def write(checkout: Path = _CHECKOUT) -> None:
    """Writes each file whose content isn't current."""
    for document, text in _current().items():
        if not _is_current(checkout, document, text):
            _file(checkout, document).write_text(text, encoding="ascii", newline="\n")


def outdated(checkout: Path = _CHECKOUT) -> list[str]:
    """The paths of files that are missing or out of date, relative to the checkout."""
    return [
        _file(checkout, document).relative_to(checkout).as_posix()
        for document, text in _current().items()
        if not _is_current(checkout, document, text)
    ]


def _current() -> Mapping[Document, str]:
    document = openapi(__version__)
    return {Document.OPENAPI: _json(document), Document.SWAGGER: _json(swagger(document))}


def _json(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


def _is_current(checkout: Path, document: Document, text: str) -> bool:
    file = _file(checkout, document)
    return file.is_file() and file.read_bytes() == text.encode("ascii")


def _file(checkout: Path, document: Document) -> Path:
    return checkout / "shared" / "http" / document
