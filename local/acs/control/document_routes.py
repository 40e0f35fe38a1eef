"""Creates finished chunks without a call, and serves the original bytes of any chunk."""

import secrets
from datetime import timedelta

from aiohttp import web

from local.acs import finishing, identifiers
from local.acs.calls.timeline import Span
from local.acs.control.request_bodies import DocumentOrder, WitnessOrder, listed, read
from local.acs.delivery.events import FinishedRecording, file_status_updated
from local.acs.errors import ControlError
from local.acs.finishing import Made, Output
from local.acs.media.synthetic import synthetic
from local.acs.service import Service
from local.acs.times import now

BYTES_PER_SECOND = {"wav": 32_000, "mp3": 6_000, "mp4": 125_000}


class DocumentControl:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/documents", self.make),
            web.get("/documents/{document_id}/content", self.content),
            web.get("/documents/{document_id}/metadata", self.metadata),
            web.post("/documents/{document_id}/expire", self.expire),
            web.post("/witness", self.witness),
        ]

    async def make(self, request: web.Request) -> web.Response:
        order = await read(request, DocumentOrder)
        output = self._output(order)
        duration_ms = order.size * 1000 // (BYTES_PER_SECOND[order.format] * output.channels)
        started = now() - timedelta(milliseconds=duration_ms * order.count)
        seed = secrets.randbelow(1 << 20) if order.seed is None else order.seed
        documents = []
        for number in range(order.count):
            try:
                content = synthetic(order.format, order.size, channels=output.channels, seed=seed + number)
            except ValueError as error:
                raise ControlError(400, str(error)) from error
            last = number == order.count - 1
            span = Span(
                started=started + timedelta(milliseconds=duration_ms * number),
                duration_ms=duration_ms,
                pauses=(),
                end_reason="SessionEnded" if last else "ChunkMaximumTimeExceeded",
            )
            document_id = identifiers.new_document_id()
            chunk = Made(index=order.index + number, span=span, content=content, document_id=document_id)
            documents.append(self._service.finisher.add(output, chunk, seed + number))
        facts = FinishedRecording(
            call_id=output.call_id,
            server_call_id=self._server_call_id(order),
            recording_id=output.recording_id,
            traits=output.traits,
            started=started,
            duration_ms=duration_ms * order.count,
            content_type=output.content_type,
            channel_type=output.channel_type,
            media_format=output.media_format,
            session_end_reason="CallEnded",
            documents=documents,
            number=seed,
        )
        self._service.finisher.finished.setdefault(output.recording_id, facts)
        # Described before it is announced, so that hashing doesn't slow down the event's receiver.
        described = await finishing.described(facts, documents)
        event = self._service.finisher.announce(facts).event if order.announce else file_status_updated(facts)
        return web.json_response({**described, "seed": seed, "event": event}, status=201)

    async def content(self, request: web.Request) -> web.StreamResponse:
        document = self._service.documents.get(request.match_info["document_id"])
        response = web.StreamResponse()
        response.content_type = "application/octet-stream"
        response.content_length = document.content.size
        await response.prepare(request)
        for piece in document.content.pieces():
            await response.write(piece)
        return response

    async def metadata(self, request: web.Request) -> web.Response:
        document = self._service.documents.get(request.match_info["document_id"])
        return web.Response(body=document.metadata_bytes, content_type="application/json")

    async def expire(self, request: web.Request) -> web.Response:
        document = self._service.documents.get(request.match_info["document_id"])
        document.expires_at = now()
        return web.json_response(await document.described())

    async def witness(self, request: web.Request) -> web.Response:
        self._service.witness = (await read(request, WitnessOrder)).address
        return web.Response(status=204)

    def _output(self, order: DocumentOrder) -> Output:
        recording_id = order.recording_id or identifiers.new_recording_id()
        known = self._service.recordings.known(recording_id)
        earlier = self._service.finisher.finished.get(recording_id)
        call_id = order.call_id or (known.call.call_id if known else earlier.call_id if earlier else None)
        unmixed = order.format == "wav" and order.channels > 1
        if order.channels > 1 and not unmixed:
            raise ControlError(400, "channels: only a wav has more than one")
        speakers = [one.id or identifiers.new_participant_id() for one in listed(order.participants)]
        return Output(
            call_id=call_id or identifiers.new_guid(),
            recording_id=recording_id,
            content_type="audioVideo" if order.format == "mp4" else "audio",
            channel_type="unmixed" if unmixed else "mixed",
            media_format=order.format,
            channels=order.channels,
            speakers=tuple(
                (speaker, number if unmixed and number < order.channels else None)
                for number, speaker in enumerate(speakers)
            ),
            traits=order.traits(oddities=self._service.oddities),
            retention=order.retention_seconds or self._service.retention,
        )

    def _server_call_id(self, order: DocumentOrder) -> str:
        known = self._service.recordings.known(order.recording_id or "")
        earlier = self._service.finisher.finished.get(order.recording_id or "")
        if order.server_call_id:
            return order.server_call_id
        if known:
            return known.call.server_call_id
        return earlier.server_call_id if earlier else identifiers.new_server_call_id()
