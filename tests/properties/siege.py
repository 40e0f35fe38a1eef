"""The content of a stack under hostile input, and requests as raw bytes: a client library would fix or refuse many."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.acceptance.conftest import Deployment

PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """All rows and blobs, by name. Values are left out, because running jobs change them."""

    rows: frozenset[tuple[str, str, str]]
    blobs: frozenset[tuple[str, str]]


async def holdings(deployment: Deployment) -> Holdings:
    rows: set[tuple[str, str, str]] = set()
    blobs: set[tuple[str, str]] = set()
    for name in ("recordings", "links"):
        async with deployment.table(name) as table:
            rows |= {(name, row["PartitionKey"], row["RowKey"]) async for row in table.list_entities()}
    for name in ("recordings", "quarantine"):
        async with deployment.container(name) as container:
            blobs |= {(name, blob.name) async for blob in container.list_blobs()}
    rows.discard(("links", "schema", "version"))  # a new stack's first request writes it, whatever it asks
    return Holdings(rows=frozenset(rows), blobs=frozenset(blobs))


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    media_type: str
    body: bytes


async def send(deployment: Deployment, method: str, path: bytes, headers: dict[str, bytes], body: bytes) -> Reply:
    """Sends one request, byte for byte, on a new connection."""
    where = urlsplit(deployment.where.functions)
    lines = [method.encode() + b" " + path + b" HTTP/1.1", f"Host: {where.netloc}".encode()]
    given = {
        "x-functions-key": deployment.where.master_key.encode(),  # this key opens every route
        "Content-Length": str(len(body)).encode(),
        "Connection": b"close",
    } | headers
    lines += [name.encode() + b": " + value for name, value in given.items()]
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            return _reply(await reader.read())
        finally:
            writer.close()


def _reply(raw: bytes) -> Reply:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    media_type = headers.get("content-type", "").partition(";")[0]
    whole = _joined(body) if headers.get("transfer-encoding") == "chunked" else body
    return Reply(status=int(first.split()[1]), media_type=media_type, body=whole)


def _joined(chunks: bytes) -> bytes:
    """A body, joined from its transfer chunks (RFC 9112, 7.1)."""
    joined = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        joined += rest[:length]
        chunks = rest[length + len(b"\r\n") :] if length else b""
    return joined
