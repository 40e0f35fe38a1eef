"""The documents as they are served: written once for each address that the app is called by."""

import json
from functools import lru_cache
from urllib.parse import urlsplit

from shared import __version__
from shared.http.openapi.document import openapi
from shared.http.openapi.swagger import swagger

OPENAPI, SWAGGER = "/openapi.json", "/swagger.json"


def described(url: str, document: str) -> str:
    """The document, OPENAPI or SWAGGER, for the app that was called at `url`."""
    here = urlsplit(url)
    return _written(f"{here.scheme}://{here.netloc}{here.path.removesuffix(document)}", document)


@lru_cache(maxsize=8)  # callers choose the host's name: what they make up must not fill the memory
def _written(server: str, document: str) -> str:
    found = openapi(server, __version__)
    return json.dumps(swagger(found) if document == SWAGGER else found, indent=1)
