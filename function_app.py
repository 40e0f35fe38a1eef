"""Every trigger of the app, and the use case that handles it. There is no logic here.

- HTTP functions start, stop, pause, resume and show recordings, list and download archived files, replay failed work,
  receive ACS's callbacks, and serve the operators' page and the API description.
- The Event Grid function processes events: an announced file becomes a job, and a call is recorded if a rule says so.
- The queue functions archive one chunk per job, and store jobs that failed too often.
- Timers run the sweep, process dead letters and remove expired rows.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import azure.functions as func

from shared.app import Callvault
from shared.contracts.http.limits import CALLBACK_BYTES, EVENTS_BYTES, REQUEST_BYTES
from shared.contracts.http.list_query import PARTICIPANT_HEADER
from shared.contracts.http.parameters import refuse_repeated
from shared.contracts.jobs import ChunkJob
from shared.http.access import Access, Role, access_to
from shared.http.answers import Answer, answering, declared_too_large, missing_body
from shared.http.caller import MASTER_KEY, caller_of
from shared.http.guard import Guard
from shared.observability import failures
from shared.queries.downloads import File
from shared.recording.callback_urls import SIGNATURE, START
from shared.settings.settings import load_settings

type _Endpoint = Callable[[func.HttpRequest], Awaitable[Answer]]

callvault = Callvault(load_settings())
_guard = Guard(authenticated=callvault.settings.website_auth_enabled, signs_in=callvault.settings.signs_in)


class _Triggers(func.FunctionApp):
    """Wraps every function, so that it logs its own failures and raises no cancellation: see observability/failures.py.

    The table in shared/http/access.py says who may call a route: it has the host's key level and, if callers sign in,
    the app role. A route without a row there can't be registered. `largest` is the size limit of a route's body in
    bytes; a route without it accepts no body.
    """

    def route(self, *args: Any, largest: int | None = None, **named: Any) -> Callable[..., Any]:
        (method,) = named["methods"]
        access = access_to(method, named["route"])
        register = super().route(*args, **named | {"auth_level": _key_level(access)})
        return lambda endpoint: register(_served(endpoint, access, largest))

    def event_grid_trigger(self, *args: Any, **named: Any) -> Callable[..., Any]:
        register = super().event_grid_trigger(*args, **named)
        return lambda function: register(failures.reported(function))

    def queue_trigger(self, *args: Any, **named: Any) -> Callable[..., Any]:
        register = super().queue_trigger(*args, **named)
        return lambda function: register(failures.reported(function))

    def timer_trigger(self, *args: Any, **named: Any) -> Callable[..., Any]:
        register = super().timer_trigger(*args, **named)
        return lambda function: register(failures.reported(function))


def _served(endpoint: _Endpoint, access: Access, largest: int | None) -> Callable[..., Awaitable[func.HttpResponse]]:
    """The function that the host calls. It checks caller and body, and turns answers and errors into responses."""

    async def admitted(req: func.HttpRequest) -> Answer:
        refused = _guard.refusal(access, req.headers, url=req.url)
        if refused is None and largest is not None:
            refused = declared_too_large(req.headers, largest) or missing_body(req.headers, req.get_body())
        if refused is not None:
            raise refused
        return await endpoint(req)

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        found = await answering(endpoint.__name__, admitted(req))
        return func.HttpResponse(
            found.body, status_code=found.status, headers=dict(found.headers), mimetype=found.media_type
        )

    serve.__name__ = endpoint.__name__  # the host's name for the function
    return serve


def _key_level(access: Access) -> func.AuthLevel:
    """The key that the host requires. Operators' routes require the master key."""
    if access.role is None or callvault.settings.signs_in:
        return func.AuthLevel.ANONYMOUS
    return func.AuthLevel.ADMIN if access.role is Role.OPERATOR else func.AuthLevel.FUNCTION


app = _Triggers()


@app.route(route="recordings", methods=["POST"], largest=REQUEST_BYTES)
async def start_recording(req: func.HttpRequest) -> Answer:
    key = req.headers.get("Idempotency-Key")
    return await callvault.app.commands.start(req.get_body(), url=req.url, idempotency_key=key, by=_caller(req))


@app.route(route="recordings", methods=["GET"])
async def list_recordings(req: func.HttpRequest) -> Answer:
    participant = req.headers.get(PARTICIPANT_HEADER)
    return await callvault.app.queries.recordings(_parameters(req), participant, by=_caller(req))


@app.route(route="summary", methods=["GET"])
async def get_summary(req: func.HttpRequest) -> Answer:
    del req  # the answer doesn't depend on the request
    return await callvault.app.queries.summary()


@app.route(route="recordings/{recordingId}", methods=["GET"])
async def get_recording(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.get(req.route_params["recordingId"])


@app.route(route="recordings/{recordingId}/stop", methods=["POST"])
async def stop_recording(req: func.HttpRequest) -> Answer:
    recording_id, prefer = req.route_params["recordingId"], req.headers.get("Prefer")
    return await callvault.app.commands.stop(recording_id, url=req.url, prefer=prefer, by=_caller(req))


@app.route(route="recordings/{recordingId}/archive", methods=["GET"])
async def get_archive(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.archive(req.route_params["recordingId"], url=req.url, by=_caller(req))


@app.route(route="recordings/{recordingId}/timeline", methods=["GET"])
async def get_timeline(req: func.HttpRequest) -> Answer:
    return await callvault.app.queries.timeline(req.route_params["recordingId"], by=_caller(req))


@app.route(route="recordings/{recordingId}/pause", methods=["POST"])
async def pause_recording(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.pause(req.route_params["recordingId"], by=_caller(req))


@app.route(route="recordings/{recordingId}/resume", methods=["POST"], largest=REQUEST_BYTES)
async def resume_recording(req: func.HttpRequest) -> Answer:
    recording_id = req.route_params["recordingId"]
    return await callvault.app.commands.resume(recording_id, req.get_body(), by=_caller(req))


@app.route(route="recordings/{recordingId}/replay", methods=["POST"])
async def replay_recording(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.replay(req.route_params["recordingId"], by=_operator(req))


@app.route(route="recordings/{recordingId}/chunks/{documentId}/replay", methods=["POST"])
async def replay_chunk(req: func.HttpRequest) -> Answer:
    recording_id, document_id = req.route_params["recordingId"], req.route_params["documentId"]
    return await callvault.app.commands.replay(recording_id, document_id, by=_operator(req))


@app.route(route="recordings/{recordingId}/chunks/{documentId}/acknowledge", methods=["POST"], largest=REQUEST_BYTES)
async def acknowledge_chunk(req: func.HttpRequest) -> Answer:
    recording_id, document_id = req.route_params["recordingId"], req.route_params["documentId"]
    return await callvault.app.commands.acknowledge(recording_id, document_id, req.get_body(), by=_operator(req))


@app.route(route="replay", methods=["POST"], largest=REQUEST_BYTES)
async def replay_by_reason(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.replay_by_reason(req.get_body(), by=_operator(req))


@app.route(route="recordings/{recordingId}/chunks/{documentId}/content", methods=["GET"])
async def get_content(req: func.HttpRequest) -> Answer:
    return await callvault.app.queries.link(File.CONTENT, req.route_params, _parameters(req), by=_caller(req))


@app.route(route="recordings/{recordingId}/chunks/{documentId}/metadata", methods=["GET"])
async def get_metadata(req: func.HttpRequest) -> Answer:
    return await callvault.app.queries.link(File.METADATA, req.route_params, _parameters(req), by=_caller(req))


@app.route(route="quarantine", methods=["GET"])
async def list_quarantine(req: func.HttpRequest) -> Answer:
    return await callvault.app.queries.quarantine(_parameters(req))


@app.route(route="quarantine/{quarantineId}/replay", methods=["POST"])
async def replay_quarantined(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.replay_quarantined(req.route_params["quarantineId"], by=_operator(req))


@app.route(route="dashboard", methods=["GET"])
async def show_page(req: func.HttpRequest) -> Answer:
    return callvault.app.dashboard.page(req.headers.get("If-None-Match"))


@app.route(route="dashboard/{file}", methods=["GET"])
async def show_page_file(req: func.HttpRequest) -> Answer:
    return callvault.app.dashboard.file(req.route_params["file"], req.headers.get("If-None-Match"))


@app.route(route="events", methods=["POST"], largest=EVENTS_BYTES)
async def submit_events(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.submit_events(req.get_body(), by=_operator(req))


@app.route(route="callbacks", methods=["POST"], largest=CALLBACK_BYTES)
async def receive_callbacks(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.callbacks(
        req.get_body(),
        authorization=req.headers.get("Authorization"),
        start_id=req.params.get(START),
        signature=req.params.get(SIGNATURE),
    )


@app.route(route="health", methods=["GET"])
async def get_health(req: func.HttpRequest) -> Answer:
    del req  # the answer doesn't depend on the request
    return await callvault.app.commands.health()


@app.route(route="openapi.json", methods=["GET"])
async def get_openapi(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.openapi(url=req.url)


@app.route(route="swagger.json", methods=["GET"])
async def get_swagger(req: func.HttpRequest) -> Answer:
    return await callvault.app.commands.swagger(url=req.url)


# The parameters of the event and queue functions are `str`, so that the worker library passes the data unparsed. For an
# EventGridEvent or a QueueMessage it parses times and counts before the function is called, and one odd value fails the
# call. Events in CloudEvents' schema would also come as another class.
@app.event_grid_trigger(arg_name="event")
async def on_recording_event(event: str) -> None:
    await callvault.app.intake.deliver(event)


@app.queue_trigger(arg_name="msg", queue_name=callvault.settings.chunks_queue, connection="AzureWebJobsStorage")
async def archive_chunk(msg: str) -> None:
    await callvault.app.archiving.handle(ChunkJob.decode(msg))


@app.queue_trigger(arg_name="msg", queue_name=callvault.settings.poison_queue, connection="AzureWebJobsStorage")
async def keep_poison_message(msg: str) -> None:
    await callvault.app.poison.keep(msg.encode())


@app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
async def sweep(timer: func.TimerRequest) -> None:
    del timer  # unused: the sweep reads the due rows, so a late timer makes no difference
    await callvault.app.sweep.run()


@app.timer_trigger(arg_name="timer", schedule="30 */5 * * * *")
async def process_dead_letters(timer: func.TimerRequest) -> None:
    del timer
    await callvault.app.dead_letters.run()


@app.timer_trigger(arg_name="timer", schedule="15 17 3 * * *")
async def remove_expired(timer: func.TimerRequest) -> None:
    del timer
    await callvault.app.expiry.run()


def _parameters(req: func.HttpRequest) -> Mapping[str, str]:
    refuse_repeated(req.url)
    return dict(req.params)


def _caller(req: func.HttpRequest) -> str:
    return caller_of(req.headers, authenticated=callvault.settings.website_auth_enabled)


def _operator(req: func.HttpRequest) -> str:
    return caller_of(req.headers, authenticated=callvault.settings.website_auth_enabled, key=MASTER_KEY)
