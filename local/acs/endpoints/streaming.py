"""Sends a body, whole or as a range, in pieces of 1 MiB, and applies faults to it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import web

from local.acs.endpoints.ranges import ByteRange, RangeNotSatisfiableError, parse_range
from local.acs.faults.fault_answers import HTML, cut
from local.acs.faults.requested_faults import FaultOrder
from local.acs.media.content import Content
from local.acs.request_log import LoggedRequest

SLOW_PIECES_PER_SECOND = 20


@dataclass(frozen=True, kw_only=True)
class Body:
    content: Content
    content_type: str
    etag: str
    headers: dict[str, str] = field(default_factory=dict)


async def send(
    request: web.Request,
    body: Body,
    entry: LoggedRequest,
    fault: FaultOrder | None = None,
    *,
    whole: bool = False,
) -> web.StreamResponse:
    """Sends a body. `whole` ignores the requested range."""
    size = body.content.size
    kind = fault.kind if fault else None
    if kind == "htmlBody":
        return web.Response(text=HTML, content_type="text/html")
    if kind == "empty":
        return web.Response(body=b"", content_type=body.content_type, headers={"ETag": body.etag})
    if request.headers.get("If-Match") not in (None, "*", body.etag):
        return web.Response(status=412)
    try:
        wanted = None if whole or kind == "ignoreRange" else parse_range(request.headers.get("Range"), size)
    except RangeNotSatisfiableError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = web.StreamResponse(status=206 if wanted else 200, headers={**body.headers, "ETag": body.etag})
    response.content_type = body.content_type
    response.headers["Accept-Ranges"] = "bytes"
    if wanted:
        response.headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    part = wanted or ByteRange(start=0, stop=size)
    response.content_length = part.size
    return await _send_part(request, response, _Part(body.content, part, fault), entry)


@dataclass(frozen=True)
class _Part:
    content: Content
    range: ByteRange
    fault: FaultOrder | None

    @property
    def kind(self) -> str | None:
        return self.fault.kind if self.fault else None

    @property
    def given(self) -> int:
        """The number of bytes that are sent, which a fault may reduce."""
        if self.fault is None or self.kind not in ("short", "reset"):
            return self.range.size
        half = self.range.size // 2
        return min(half if self.fault.bytes is None else self.fault.bytes, self.range.size)

    def pieces(self) -> Iterator[bytes | memoryview]:
        pieces = self.content.pieces(self.range.start, self.range.start + self.given)
        if self.fault and self.kind == "corrupt":
            middle = self.content.size // 2
            return _flipped(pieces, (middle if self.fault.offset is None else self.fault.offset) - self.range.start)
        if self.fault and self.fault.bytes_per_second:
            return _cut_small(pieces, max(1, self.fault.bytes_per_second // SLOW_PIECES_PER_SECOND))
        return pieces


async def _send_part(
    request: web.Request, response: web.StreamResponse, part: _Part, entry: LoggedRequest
) -> web.StreamResponse:
    if part.kind == "short":
        if part.fault and part.fault.declared:
            response.content_length = part.given
        else:
            response.force_close()
    await response.prepare(request)
    entry.status = response.status
    if request.method == "HEAD":
        return response
    for piece in part.pieces():
        await response.write(piece)
        entry.bytes_sent += len(piece)
        if part.fault and part.fault.bytes_per_second:
            await asyncio.sleep(len(piece) / part.fault.bytes_per_second)
    if part.kind == "reset":
        cut(request)
    elif part.kind == "short" and request.transport:
        # A client that counts bytes notices the missing ones. A client that reads to the end of the stream doesn't.
        request.transport.close()
    return response


def _flipped(pieces: Iterator[bytes | memoryview], position: int) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        if 0 <= position < len(piece):
            changed = bytearray(piece)
            changed[position] ^= 0x01
            yield bytes(changed)
        else:
            yield piece
        position -= len(piece)


def _cut_small(pieces: Iterator[bytes | memoryview], size: int) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        for at in range(0, len(piece), size):
            yield piece[at : at + size]
