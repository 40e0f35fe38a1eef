"""Checks every answer of the stack against the OpenAPI description, in each test that calls the stack."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from shared.http.description import Document, described

_PREFIX = "/api"


class Description:
    """The OpenAPI document, which answers are checked against."""

    def __init__(self) -> None:
        document = json.loads(described(Document.OPENAPI, url=f"http://localhost{_PREFIX}/openapi.json"))
        self._components = document["components"]
        self._routes = [
            (re.compile(_PREFIX + re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(path)) + r"(\?.*)?"), item)
            for path, item in document["paths"].items()
        ]

    def check(self, method: str, path: str, status: int, media_type: str, body: Any) -> None:
        """Fails for an answer that isn't described. Paths without an operation are answered by the platform."""
        operation = self._operation(method, path)
        if operation is None:
            return
        assert str(status) in operation["responses"], f"{method} {path}: {status} is not described"
        content = operation["responses"][str(status)].get("content", {})
        if body is None:
            assert not content, f"{method} {path}: {status} is described with a body and had none"
            return
        assert media_type in content, f"{method} {path}: {status} as {media_type} is not described"
        schema = {**content[media_type]["schema"], "components": self._components}
        wrong = [error.message for error in Draft202012Validator(schema).iter_errors(body)]
        assert not wrong, f"{method} {path}: {status} is described otherwise: {wrong}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, item in self._routes:
            if pattern.fullmatch(path) and method.lower() in item:
                found: dict[str, Any] = item[method.lower()]
                return found
        return None
