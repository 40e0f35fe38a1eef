"""The responses of HTTP functions, which return an HttpResponse, and of the host's own endpoints."""

from aiohttp import web
from multidict import CIMultiDict

from local.host.worker.protocol import Typed

# The server sets these itself, from the body that it sends.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


def unauthorized() -> web.Response:
    """Used by the host's own endpoints. A function's 401 names no scheme."""
    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})


def response_of(returned: Typed | None) -> web.Response:
    if returned is None or returned.kind != "http":
        return web.Response(status=500)
    parts = returned.value
    headers = CIMultiDict((name, value) for name, value in parts["headers"].items() if name.lower() not in _FRAMING)
    body = parts["body"]
    return web.Response(
        status=parts["status"], headers=headers, body=body if isinstance(body, bytes) else str(body).encode()
    )
