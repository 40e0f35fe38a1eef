"""ACS's media store: reads ranges of a chunk's media and its metadata, and deletes both together.

Credentials are sent only to allow-listed hosts, on every hop. The SDK checks only the first URL and leaves redirects to
azure-core, which drops the signature when the host changes, so the answer is 401. Here, each hop is a new request, and
is checked and signed like the first one.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from azure.communication.callautomation.aio import CallAutomationClient
from azure.communication.callautomation.recording_url_validator import validate_recording_url
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from shared.domain.files.payload import Payload, PayloadBuilder
from shared.errors import (
    CallvaultError,
    SourceError,
    SourceGarbled,
    SourceGone,
    SourceIncomplete,
    SourceNotAllowed,
    SourceThrottled,
    SourceUnauthorized,
    SourceUnavailable,
)
from shared.gateways.faults import BROKEN_CONNECTION, headers_of, retry_after

# SDK 1.6.0 treats only 200 as success. If the file is already gone, nothing is left to do.
_DELETED = frozenset({202, 204, 404, 410})
_HTTPS_PORT = 443
_MAX_HOPS = 5
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?")  # stricter than the SDK: no user, no brackets, no escapes
_LENGTHS = ("Content-Length", "Content-Range")
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII | re.IGNORECASE)
_PLAIN = {"Accept-Encoding": "identity"}  # the archive stores the original bytes, not a proxy's compressed version
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class Part:
    """Bytes of a file from offset `start` on, with the file's total length and its ETag, if it has one.

    `location` is the address that served them, after redirects.
    """

    start: int
    data: Payload
    total: int
    etag: str | None
    location: str


class MediaSource:
    """Reads and deletes a chunk's files. Raises only errors of shared.errors."""

    def __init__(self, client: CallAutomationClient) -> None:
        self._client = client

    async def read(self, location: str, *, start: int, length: int) -> Part | None:
        """At most `length` bytes from `start`. None if the source doesn't serve ranges of this file.

        The Range header is set here, because SDK 1.6.0 sends none for offset 0.
        """
        async with self._open(location, {"Range": f"bytes={start}-{start + length - 1}"}) as (response, at):
            etag = response.headers.get("ETag")
            if response.status_code == HTTPStatus.OK:
                declared = _content_length(response)
                if start or declared > length:
                    return None
                return Part(start=0, data=await _body(response, declared), total=declared, etag=etag, location=at)
            first, last, total = _content_range(response)
            if first != start or last >= start + length or last != min(start + length, total) - 1:
                raise SourceGarbled("the source sent another range than was requested")
            data = await _body(response, last - first + 1)
            return Part(start=first, data=data, total=total, etag=etag, location=at)

    async def stream(self, location: str, *, block_size: int) -> AsyncGenerator[Part]:
        """The whole file in order, in parts of `block_size` bytes: for a source that doesn't serve ranges."""
        async with self._open(location, {}) as (response, at):
            total, etag = _content_length(response), response.headers.get("ETag")
            block = PayloadBuilder()
            given = received = 0
            async for piece in _pieces(response):
                received += len(piece)
                rest = piece
                while block.size + len(rest) >= block_size:
                    cut = block_size - block.size
                    block.add(rest[:cut])
                    rest = rest[cut:]
                    yield Part(start=given, data=block.take(), total=total, etag=etag, location=at)
                    given += block_size
                if rest:
                    block.add(rest)
            if received != total:
                raise SourceIncomplete(f"the source declared {total} bytes and sent {received}")
            if block.size:
                yield Part(start=given, data=block.take(), total=total, etag=etag, location=at)

    async def read_whole(self, location: str, *, limit: int) -> bytes:
        """A small file, of at most `limit` bytes."""
        async with self._open(location, {}) as (response, _):
            declared = _content_length(response)
            if declared > limit:
                raise SourceGarbled(f"the source declared {declared} bytes for a file of at most {limit}")
            return bytes(await _body(response, declared))

    async def delete(self, location: str) -> None:
        """Deletes a chunk's media and metadata together. Succeeds if they are already gone."""
        for _ in range(_MAX_HOPS):
            _check(location)
            try:
                await self._client.delete_recording(location)
            except BROKEN_CONNECTION:
                raise SourceUnavailable("the connection to ACS's media store failed") from None
            except HttpResponseError as error:
                if error.status_code in _DELETED:
                    return
                location = _redirected(error, location)
            except AzureError:
                raise SourceGarbled("ACS's media store sent an unreadable answer") from None
            else:
                return
        raise SourceGarbled("ACS's media store redirects in a loop")

    @asynccontextmanager
    async def _open(self, location: str, headers: dict[str, str]) -> AsyncIterator[tuple[Any, str]]:
        """The answer, and the address that sent it."""
        for _ in range(_MAX_HOPS):
            _check(location)
            try:
                response: Any = await self._client.download_recording(location, headers={**_PLAIN, **headers})
            except BROKEN_CONNECTION:
                raise SourceUnavailable("the connection to ACS's media store failed") from None
            except HttpResponseError as error:
                location = _redirected(error, location)
                continue
            except AzureError:
                raise SourceGarbled("ACS's media store sent an unreadable answer") from None
            try:
                yield response, location
            finally:
                await response.close()
            return
        raise SourceGarbled("ACS's media store redirects in a loop")


def _check(location: str) -> None:
    """Raises SourceNotAllowed unless the URL is https and its host is on the allow-list of ACS's SDK."""
    try:
        validate_recording_url(location, "location")
        parts = urlsplit(location)
        plain = _HOST.fullmatch(parts.netloc) is not None and parts.port in (None, _HTTPS_PORT)
    except (TypeError, ValueError):
        plain = False
    if not plain:
        raise SourceNotAllowed("a location is not on one of ACS's media hosts; nothing was sent to it")


def _redirected(error: HttpResponseError, location: str) -> str:
    target = headers_of(error).get("Location")
    if error.status_code in _REDIRECTS and target:
        try:
            return urljoin(location, target)
        except ValueError:
            raise SourceGarbled("ACS's media store redirects to an invalid address") from None
    raise _translate(error) from None


def _translate(error: HttpResponseError) -> CallvaultError:
    status = error.status_code or 0
    asked = retry_after(error)
    if isinstance(error, ClientAuthenticationError):
        return SourceUnauthorized(
            "no credential for ACS is available, or ACS's media store refused Callvault's credential"
        )
    match status:
        case 404 | 410:
            return SourceGone("the source has no such file: it expired, was deleted, or isn't there yet")
        case 0:
            return SourceUnavailable("ACS's media store didn't answer")
        case 403:
            return SourceUnauthorized("ACS's media store refused Callvault's credential")
        case 429:
            return SourceThrottled("ACS's media store throttles Callvault", retry_after=asked)
        case 416:
            return SourceIncomplete("the source has fewer bytes than it declared before")
        case 400:
            return SourceGarbled("ACS's media store answered 400, which is usually temporary", retry_after=asked)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return SourceUnavailable(f"ACS's media store answered {status}", retry_after=asked)
        case _:
            return SourceGarbled(f"ACS's media store answered {status}", retry_after=asked)


def _content_length(response: Any) -> int:
    """The length of a whole file. ACS may send a Content-Range without being asked; both must agree."""
    declared = [response.headers[name].rpartition("/")[2] for name in _LENGTHS if name in response.headers]
    lengths = {int(length) for length in declared if _LENGTH.fullmatch(length)}
    if not lengths:
        raise SourceIncomplete("the source doesn't declare the file's length, so it can't be verified")
    if len(lengths) > 1:
        raise SourceGarbled("the source declares two lengths for one file")
    if lengths == {0}:
        raise SourceIncomplete("the source sent an empty file")
    return lengths.pop()


def _content_range(response: Any) -> tuple[int, int, int]:
    content_range = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if content_range is None:
        raise SourceGarbled("the source sent a range without a valid Content-Range")
    first, last, total = map(int, content_range.groups())
    return first, last, total


async def _body(response: Any, length: int) -> Payload:
    body = PayloadBuilder()
    async for piece in _pieces(response):
        body.add(piece)
        if body.size > length:
            break
    if body.size != length:
        raise SourceIncomplete(f"the source declared {length} bytes and sent {body.size}")
    return body.take()


async def _pieces(response: Any) -> AsyncIterator[bytes]:
    """The body in the pieces that aiohttp received. The SDK's own iterator joins them, which copies every byte."""
    try:
        async for piece, _ in response.internal_response.content.iter_chunks():
            yield piece
    except SourceError:
        raise
    except (*BROKEN_CONNECTION, AzureError):
        raise SourceIncomplete("the connection broke in the middle of the file") from None
