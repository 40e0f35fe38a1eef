"""A small app that reports its environment over HTTP, and the events that it gets through a queue."""

import json
import os

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="environment", methods=["GET"])
def environment(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - every HTTP function has it
    return func.HttpResponse(json.dumps(dict(os.environ)), mimetype="application/json")


@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="got", queue_name="recording-chunks", connection="AzureWebJobsStorage")
def on_recording_event(event: func.EventGridEvent, got: func.Out[str]) -> None:
    got.set(event.id)
