"""A small app that reports its environment over HTTP, and the events that it gets through a queue."""

import json
import os

import azure.functions as func
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="environment", methods=["GET"])
def environment(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - every HTTP function has it
    return func.HttpResponse(json.dumps(dict(os.environ)), mimetype="application/json")


@app.event_grid_trigger(arg_name="event")
def on_recording_event(event: func.EventGridEvent) -> None:
    storage = os.environ["AzureWebJobsStorage"]  # noqa: SIM112 - the name that Azure gives it
    with QueueClient.from_connection_string(
        storage, "recording-chunks", message_encode_policy=TextBase64EncodePolicy()
    ) as queue:
        queue.send_message(event.id)
