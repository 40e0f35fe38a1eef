"""An app with a function of every kind that the host runs. Each reports its input.

A function sends what it saw to the queue that the setting OBSERVED names, because a queue outlives the process.
"""

import asyncio
import contextlib
import json
import logging
import os
import threading
import time

import azure.functions as func
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue.aio import QueueClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
logging.getLogger("azure").setLevel(logging.WARNING)
JSON = "application/json"


def _json(**content: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(content), mimetype=JSON)


async def _report(**content: object) -> None:
    async with QueueClient.from_connection_string(os.environ["QUEUES"], os.environ["OBSERVED"]) as queue:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(json.dumps(content))


logging.getLogger("app.import").warning("at import")


@app.route(route="echo/{id}", methods=["GET", "POST"])
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(
            {
                "url": req.url,
                "method": req.method,
                "route": dict(req.route_params),
                "query": dict(req.params),
                "headers": dict(req.headers),
                "body": req.get_body().hex(),
                "invocation": context.invocation_id,
                "trace": context.trace_context.trace_parent,
                "thread": threading.current_thread().name,
                "pid": os.getpid(),
            }
        ),
        status_code=202,
        mimetype=JSON,
        headers={"X-Answer": "yes", "X-Custom": "of the function"},
    )


@app.route(route="files/{file}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def files(req: func.HttpRequest) -> func.HttpResponse:
    return _json(file=req.route_params["file"])


@app.route(route="files/special", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def special(req: func.HttpRequest) -> func.HttpResponse:
    return _json(special=True)


@app.route(route="names/{name}", auth_level=func.AuthLevel.ANONYMOUS)
async def names(req: func.HttpRequest) -> func.HttpResponse:
    return _json(name=req.route_params["name"], method=req.method)


@app.route(route="guarded", auth_level=func.AuthLevel.ADMIN)
async def guarded(req: func.HttpRequest) -> func.HttpResponse:
    return _json(pid=os.getpid())


@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("secret of the app")


@app.route(route="cancelled", auth_level=func.AuthLevel.ANONYMOUS)
async def cancelled(req: func.HttpRequest) -> func.HttpResponse:
    raise asyncio.CancelledError


@app.route(route="pid", auth_level=func.AuthLevel.ANONYMOUS)
async def pid(req: func.HttpRequest) -> func.HttpResponse:
    return _json(pid=os.getpid(), environment=os.environ.get("AZURE_FUNCTIONS_ENVIRONMENT"))


@app.route(route="setting/{name}", auth_level=func.AuthLevel.ANONYMOUS)
async def setting(req: func.HttpRequest) -> func.HttpResponse:
    return _json(value=os.environ.get(req.route_params["name"]))


@app.route(route="log", auth_level=func.AuthLevel.ANONYMOUS)
async def log(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("app.async").warning("from %s", "async", extra={"action": "told", "size": 7})
    await asyncio.to_thread(logging.getLogger("app.thread").warning, "from a thread")
    print("printed words")  # noqa: T201 - the host is to log them
    return _json()


@app.route(route="log-sync", auth_level=func.AuthLevel.ANONYMOUS)
def log_sync(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("app.sync").warning("from sync")
    return _json()


_late: set[asyncio.Task[None]] = set()


@app.route(route="log-late", auth_level=func.AuthLevel.ANONYMOUS)
async def log_late(req: func.HttpRequest) -> func.HttpResponse:
    async def outlive() -> None:
        await asyncio.sleep(0.2)
        logging.getLogger("app.late").warning("after the invocation")

    _late.add(asyncio.create_task(outlive()))
    logging.getLogger("azure.functions.app").warning("from a deaf logger")
    return _json()


# Two calls can only end together, which proves that invocations run at the same time.
_meeting = asyncio.Barrier(2)


@app.route(route="meet", auth_level=func.AuthLevel.ANONYMOUS)
async def meet(req: func.HttpRequest) -> func.HttpResponse:
    await _meeting.wait()
    return _json(pid=os.getpid())


_sync_meeting = threading.Barrier(2)


@app.route(route="meet-sync", auth_level=func.AuthLevel.ANONYMOUS)
def meet_sync(req: func.HttpRequest) -> func.HttpResponse:
    _sync_meeting.wait(20)
    return _json()


@app.route(route="hang", auth_level=func.AuthLevel.ANONYMOUS)
def hang(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("app.hang").warning("hanging")
    time.sleep(600)
    return _json()


@app.route(route="pause", auth_level=func.AuthLevel.ANONYMOUS)
async def pause(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(1)
    return _json()


@app.route(route="block", auth_level=func.AuthLevel.ANONYMOUS)
async def block(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("app.hang").warning("blocking")
    time.sleep(600)  # noqa: ASYNC251 - an app that blocks the worker's event loop
    return _json()


@app.event_grid_trigger(arg_name="event")
async def on_event(event: func.EventGridEvent) -> None:
    data = event.get_json()
    if data.get("fail"):
        raise RuntimeError("cannot take this event")
    if data.get("hang"):
        await asyncio.sleep(600)
    await _report(event=event.id, type=event.event_type, subject=event.subject)


@app.queue_trigger(arg_name="msg", queue_name="%WORK%", connection="QUEUES")
async def on_message(msg: func.QueueMessage) -> None:
    text = msg.get_body().decode()
    logging.getLogger("app.queue").warning("received %s", text)
    if "hang" in text:
        await asyncio.sleep(600)
    if "slow" in text:
        await asyncio.sleep(6 if "very" in text else 3)
    if "cancel" in text:
        raise asyncio.CancelledError
    if "fail" in text:
        raise RuntimeError("cannot take this message")
    times = {"inserted": msg.insertion_time, "expires": msg.expiration_time, "visible": msg.time_next_visible}
    await _report(
        body=text,
        id=msg.id,
        count=msg.dequeue_count,
        receipt=msg.pop_receipt,
        pid=os.getpid(),
        **{name: time.isoformat() if time else None for name, time in times.items()},
    )


@app.queue_trigger(arg_name="msg", queue_name="%WORK%-poison", connection="QUEUES")
async def on_poison(msg: func.QueueMessage) -> None:
    logging.getLogger("app.poison").warning("poison %s", msg.get_body().decode())
    raise RuntimeError("poison is not taken either")


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=False)
async def tick(timer: func.TimerRequest) -> None:
    about = {"past_due": timer.past_due, "status": timer.schedule_status}
    logging.getLogger("app.timer").warning("tick", extra=about)
    if os.environ.get("TICK") == "fail":
        raise RuntimeError("tick failed")
    if os.environ.get("TICK") == "slow":
        await asyncio.sleep(1.2)
    logging.getLogger("app.timer").warning("tock")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    logging.getLogger("app.timer").warning("at start", extra={"past_due": timer.past_due, "pid": os.getpid()})
