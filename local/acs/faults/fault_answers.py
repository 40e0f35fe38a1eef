"""The answers of faults, which replace the real answer or come before it."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.acs.errors import AcsError, ConnectionCutError
from local.acs.faults.requested_faults import BODIES, FaultOrder

HTML = (
    "<!DOCTYPE html><html><head><title>Bad Request</title></head>"
    "<body><h2>Our services aren't available right now</h2><p>We're working to restore all services.</p></body></html>"
)

Perform = Callable[[], Awaitable[web.StreamResponse]]


async def answered(fault: FaultOrder | None, request: web.Request, perform: Perform) -> web.StreamResponse:
    """The answer to an operation under the fault. `perform` carries it out and returns the regular answer."""
    if fault is None:
        return await perform()
    if fault.kind == "delayAnswer":
        await asyncio.sleep(fault.seconds or 0)
        return await perform()
    instead = refusal(fault)
    # A reset of a body happens while the body is sent.
    cuts = fault.kind == "reset" and fault.operation not in BODIES
    if instead is None and not cuts:
        return await perform()
    if fault.applied:
        await perform()
    if instead is None:
        cut(request)
        raise ConnectionCutError
    return instead


def refusal(fault: FaultOrder) -> web.Response | None:
    """The answer of a fault that refuses the operation. None for other faults."""
    match fault.kind:
        case "throttle":
            response = AcsError(429, "TooManyRequests", "Rate limit exceeded.").response()
        case "serverError":
            response = AcsError(fault.status or 503, "9999", "Internal server error.").response()
        case "unauthorized":
            response = AcsError(401, "Denied", "Denied by the resource provider.").response()
        case "error":
            response = AcsError(
                fault.status or 400, fault.code or "8523", fault.message or "Invalid request"
            ).response()
        case "html":
            response = web.Response(
                status=fault.status or 400, text=HTML, content_type=fault.content_type or "text/html"
            )
        case "nonsense":
            response = web.Response(text=fault.text, content_type=fault.content_type or "application/json")
        case _:
            return None
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response


def cut(request: web.Request) -> None:
    """Resets the connection. The client sees a broken socket, not the end of the stream."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    # A linger time of 0 makes the close a TCP reset.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
