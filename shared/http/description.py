"""Serves the description of the HTTP API: openapi.json and swagger.json, files next to this module.

`make openapi` writes them. They are complete except for the app's own address: each request gets the address that it
was sent to.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

_FOLDER = Path(__file__).parent


class Document(StrEnum):
    """A file of the description, by its name."""

    OPENAPI = "openapi.json"
    SWAGGER = "swagger.json"


def described(document: Document, *, url: str) -> str:
    """The document's JSON for a caller that requested it at the absolute `url`. The URL's query is left out."""
    here = urlsplit(url)
    # The address becomes the last members of the document's object. json.dumps escapes it: callers choose the host.
    address = json.dumps(_address(document, here), indent=1).removeprefix("{")
    return f"{_without_closing_brace(document)},{address}"


def _address(document: Document, here: SplitResult) -> Mapping[str, Any]:
    path = here.path.removesuffix(f"/{document}")
    match document:
        case Document.OPENAPI:
            return {"servers": [{"url": f"{here.scheme}://{here.netloc}{path}"}]}
        case Document.SWAGGER:
            return {"host": here.netloc, "basePath": path or "/", "schemes": [here.scheme]}


@cache
def _without_closing_brace(document: Document) -> str:
    return (_FOLDER / document).read_text(encoding="ascii").removesuffix("\n}\n")
