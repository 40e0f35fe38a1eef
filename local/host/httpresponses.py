"""What an HTTP function returned, as a response.

An HttpResponse passes through with its headers, cookies and bytes. A plain string is treated as the real host does:
read as JSON if it can be, and an object with a `body` key is taken for an envelope of a response.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.host.protocol import Typed

# The server makes these itself, from the body it sends.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


def unauthorized() -> web.Response:
    """Of the host's own endpoints; a function's 401 names no scheme."""
    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})


def response_of(returned: Typed | None) -> web.Response:
    if returned is None:
        # The library refuses None from an HTTP function; without a return binding there is no answer to give.
        return web.Response(status=204)
    if returned.kind == "http":
        return _http(returned.value)
    if returned.kind == "bytes":
        return web.Response(body=returned.value, content_type="application/octet-stream")
    return _text(str(returned.value))


def _http(parts: Mapping[str, Any]) -> web.Response:
    headers = CIMultiDict((name, value) for name, value in parts["headers"].items() if name.lower() not in _FRAMING)
    for cookie in parts["cookies"]:
        headers.add("Set-Cookie", _cookie(cookie))
    body = parts["body"]
    return web.Response(
        status=parts["status"], headers=headers, body=body if isinstance(body, bytes) else str(body).encode()
    )


def _text(text: str) -> web.Response:
    try:
        content = json.loads(text)
    except ValueError:
        return web.Response(text=text)
    if isinstance(content, dict) and "body" in content:
        return _envelope(content)
    return web.Response(body=text.encode(), content_type="application/json", charset="utf-8")


def _envelope(content: Mapping[str, Any]) -> web.Response:
    body = content["body"]
    headers = CIMultiDict((name, str(value)) for name, value in (content.get("headers") or {}).items())
    status = int(content.get("status") or content.get("statusCode") or 200)
    if isinstance(body, str):
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return web.Response(status=status, headers=headers, body=body.encode())
    headers.setdefault("Content-Type", "application/json; charset=utf-8")
    return web.Response(status=status, headers=headers, body=json.dumps(body).encode())


def _cookie(cookie: Mapping[str, Any]) -> str:
    parts = [f"{cookie['name']}={cookie['value']}"]
    if "expires" in cookie:
        parts.append(f"expires={format_datetime(datetime.fromtimestamp(cookie['expires'], UTC), usegmt=True)}")
    if "max_age" in cookie:
        parts.append(f"max-age={int(cookie['max_age'])}")
    parts += [f"{name}={cookie[name]}" for name in ("domain", "path") if cookie.get(name)]
    parts += [name for name, key in (("secure", "secure"), ("httponly", "http_only")) if cookie.get(key)]
    if cookie.get("same_site"):
        parts.append(f"samesite={cookie['same_site']}")
    return "; ".join(parts)
