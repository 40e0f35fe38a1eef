"""Every trigger in one place: what calls us, and which use case answers. No logic lives here.

HTTP functions start, stop, pause, resume and show recordings. The Event Grid function turns an announcement into chunk
jobs. The queue function takes one chunk from claim to release.
"""

import azure.functions as func

from shared.app import Callvault
from shared.contracts.events import envelope_of
from shared.contracts.jobs import ChunkJob
from shared.settings import load_settings
from shared.web import Answer

callvault = Callvault(load_settings())
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="recordings", methods=["POST"])
async def start_recording(req: func.HttpRequest) -> func.HttpResponse:
    key = req.headers.get("Idempotency-Key")
    return _response(await callvault.app.endpoints.start(req.get_body(), url=req.url, idempotency_key=key))


@app.route(route="recordings/{recordingId}", methods=["GET"])
async def get_recording(req: func.HttpRequest) -> func.HttpResponse:
    return _response(await callvault.app.endpoints.get(req.route_params["recordingId"]))


@app.route(route="recordings/{recordingId}/stop", methods=["POST"])
async def stop_recording(req: func.HttpRequest) -> func.HttpResponse:
    return _response(await callvault.app.endpoints.stop(req.route_params["recordingId"]))


@app.route(route="recordings/{recordingId}/pause", methods=["POST"])
async def pause_recording(req: func.HttpRequest) -> func.HttpResponse:
    return _response(await callvault.app.endpoints.pause(req.route_params["recordingId"]))


@app.route(route="recordings/{recordingId}/resume", methods=["POST"])
async def resume_recording(req: func.HttpRequest) -> func.HttpResponse:
    return _response(await callvault.app.endpoints.resume(req.route_params["recordingId"]))


@app.event_grid_trigger(arg_name="event")
async def on_recording_event(event: func.EventGridEvent) -> None:
    await callvault.app.intake.receive(envelope_of(event))


@app.queue_trigger(arg_name="msg", queue_name=callvault.settings.chunks_queue, connection="AzureWebJobsStorage")
async def archive_chunk(msg: func.QueueMessage) -> None:
    await callvault.app.archiving.handle(ChunkJob.decode(msg.get_body()))


def _response(answer: Answer) -> func.HttpResponse:
    return func.HttpResponse(
        answer.body, status_code=answer.status, headers=dict(answer.headers), mimetype=answer.media_type
    )
