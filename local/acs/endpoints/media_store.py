"""ACS's temporary media store: downloads of content and metadata, with ranges, and deletion of documents.

As in the real store, redirects lead to a regional host that requires its own signature.
"""

import re
from dataclasses import replace

from aiohttp import web

from local.acs.certificates import CONTENT_HOST, REGIONAL_HOSTS
from local.acs.endpoints.deletion_witness import ask_witness
from local.acs.endpoints.streaming import Body, send
from local.acs.errors import AcsError
from local.acs.faults.fault_answers import answered
from local.acs.faults.requested_faults import FaultOrder, Operation, Target
from local.acs.media.content import Content, Literal
from local.acs.media.documents import Document
from local.acs.media.synthetic import synthetic
from local.acs.request_log import LoggedRequest
from local.acs.service import Service
from local.acs.times import now

OBJECT = re.compile(r"/v1/objects/(?P<document_id>[^/]+)(?:/content/(?P<view>video|audio|acsmetadata))?")
CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "mp4": "video/mp4"}
_OTHER_SEED = 1 << 30
READING = frozenset({"GET", "HEAD"})


class MediaStore:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def answer(self, request: web.Request, entry: LoggedRequest) -> web.StreamResponse:
        match = OBJECT.fullmatch(request.path)
        operation = _operation(request.method, match["view"]) if match else None
        if match is None or operation is None:
            raise AcsError(404, "NotFound", "There is no such operation.")
        document_id = match["document_id"]
        known = self._service.documents.known(document_id)
        target = Target(
            document_id=document_id,
            recording_id=known.recording_id if known else None,
            call_id=known.call_id if known else None,
        )
        fault = self._service.faults.take(operation, target)
        entry.operation, entry.document_id = operation, document_id
        entry.fault = fault.kind if fault else None

        async def perform() -> web.StreamResponse:
            document = self._service.documents.available(document_id)
            if fault and fault.kind == "otherVersion":
                document = _other_version(document)
            match operation:
                case "delete":
                    if self._service.witness is not None:
                        await ask_witness(self._service.witness, document)
                        document = self._service.documents.available(document_id)
                    document.deleted_at = now()
                    return web.Response(status=200)
                case _:
                    return await self._read(operation, document, request, entry, fault)

        return await answered(fault, request, perform)

    async def _read(
        self,
        operation: Operation,
        document: Document,
        request: web.Request,
        entry: LoggedRequest,
        fault: FaultOrder | None,
    ) -> web.StreamResponse:
        elsewhere = _redirect(document, entry.host, fault)
        if elsewhere:
            return web.Response(status=302, headers={"Location": f"https://{elsewhere}{request.path_qs}"})
        sent_before = entry.bytes_sent
        try:
            if operation == "metadata":
                document.metadata_downloads += request.method == "GET"
                return await send(request, self._metadata(document, fault), entry, fault)
            document.downloads += request.method == "GET"
            body = Body(content=document.content, content_type=CONTENT_TYPES[document.media_format], etag=document.etag)
            return await send(request, body, entry, fault, whole=_is_answered_whole(document, request))
        finally:
            document.bytes_sent += entry.bytes_sent - sent_before

    def _metadata(self, document: Document, fault: FaultOrder | None) -> Body:
        if fault and fault.kind == "swapMetadata":
            other = fault.other_document_id
            documents = self._service.documents
            document = documents.get(other) if other else documents.other(than=document)
        data = document.metadata_bytes
        # The real store also sends Content-Range with status 200.
        headers = {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}
        return Body(
            content=Content([Literal(data)]),
            content_type="application/octet-stream",
            etag=document.etag,
            headers=headers,
        )


def _other_version(document: Document) -> Document:
    """The document with a file of the same length, but with other bytes and another ETag."""
    content = synthetic(document.media_format, document.content.size, channels=1, seed=_OTHER_SEED)
    return replace(document, document_id=f"{document.document_id}-changed", content=content)


def _operation(method: str, view: str | None) -> Operation | None:
    if view is None:
        return "delete" if method == "DELETE" else None
    if method not in READING:
        return None
    return "metadata" if view == "acsmetadata" else "download"


def _redirect(document: Document, host: str, fault: FaultOrder | None) -> str | None:
    """The host of a redirect, if there is one."""
    if fault and fault.kind == "redirect":
        if fault.loop:
            return REGIONAL_HOSTS[1] if host == REGIONAL_HOSTS[0] else REGIONAL_HOSTS[0]
        return fault.host
    if document.redirects and host == CONTENT_HOST:
        american = document.document_id.split("-")[1] in ("eus", "wus")
        return REGIONAL_HOSTS[0] if american else REGIONAL_HOSTS[1]
    return None


def _is_answered_whole(document: Document, request: web.Request) -> bool:
    """The real store sometimes answers a Range request with status 200 and the whole file."""
    if request.method != "GET" or "Range" not in request.headers:
        return False
    document.ranges_asked += 1
    return document.ranges_asked - 1 == document.whole_answer
