"""The control API: plain HTTP on loopback, to play calls, request faults and inspect the simulator.

Every error is `{"error": "..."}` with a sentence that names the cause.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from local.acs.control.announcement_routes import AnnouncementControl
from local.acs.control.call_routes import CallControl
from local.acs.control.callback_routes import CallbackControl
from local.acs.control.document_routes import DocumentControl
from local.acs.control.event_routes import EventControl
from local.acs.control.fault_routes import FaultControl
from local.acs.control.recording_routes import RecordingControl
from local.acs.errors import AcsError, ControlError
from local.acs.service import Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_application(service: Service) -> web.Application:
    application = web.Application(middlewares=[_errors_as_json])
    controls = (
        CallControl,
        RecordingControl,
        DocumentControl,
        EventControl,
        FaultControl,
        CallbackControl,
        AnnouncementControl,
    )
    for control in controls:
        application.add_routes(control(service).routes())
    return application


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ControlError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except AcsError as error:
        return web.json_response({"error": error.message}, status=error.status)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)
