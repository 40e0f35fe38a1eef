"""The TLS endpoint of all ACS hosts. The Host header selects the host.

Each request is logged, its signature is verified, and the host answers it. Call Automation's keys need no signature,
and the topic for announcements has its own key. Requests to other hosts are only logged and answered with 404.
"""

from aiohttp import web

from local.acs.certificates import ACS_HOST, AUTOMATION_HOST, MEDIA_SUFFIXES
from local.acs.delivery.topic import TOPIC_HOST
from local.acs.endpoints.media_store import MediaStore
from local.acs.endpoints.rest_api import RestApi
from local.acs.endpoints.signature import SignedRequest, verify
from local.acs.errors import AcsError, ConnectionCutError
from local.acs.identifiers import new_guid
from local.acs.request_log import LoggedRequest
from local.acs.service import Service
from local.acs.times import acs_time, now

BODY_LIMIT = 1 << 20


class FrontDoor:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._rest = RestApi(service)
        self._store = MediaStore(service)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_LIMIT)
        application.router.add_route("*", "/{path:.*}", self._answer)
        application.on_response_prepare.append(_identify)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = (request.host or "").rsplit(":", 1)[0].lower()
        entry = self._service.log.add(
            LoggedRequest(
                at=acs_time(now()),
                method=request.method,
                host=host,
                path=request.path,
                range=request.headers.get("Range"),
                authorized="Authorization" in request.headers,
            )
        )
        try:
            response = await self._route(host, request, entry)
        except AcsError as error:
            entry.refusal = "; ".join([error.message, *getattr(error, "__notes__", ())])
            response = error.response()
        except ConnectionCutError:
            # The connection is gone, so there is no status to log.
            return web.Response()
        entry.status = response.status
        if isinstance(response, web.Response) and response.body is not None and request.method != "HEAD":
            entry.bytes_sent += response.content_length or 0
        return response

    async def _route(self, host: str, request: web.Request, entry: LoggedRequest) -> web.StreamResponse:
        if host == AUTOMATION_HOST:
            return self._service.callbacks.issuer.answer(request)
        if host == TOPIC_HOST:
            return await self._service.topic.answer(request, entry)
        is_store = host.endswith(MEDIA_SUFFIXES)
        if host != ACS_HOST and not is_store:
            return web.Response(status=404, text=f"{host} is not a host of ACS\n")
        body = await request.read()
        target = request.raw_path
        verify(
            SignedRequest(method=request.method, target=target, headers=request.headers, body=body),
            self._service.access_key,
        )
        if is_store:
            return await self._store.answer(request, entry)
        return await self._rest.answer(request, body, entry)


async def _identify(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["MS-CV"] = new_guid()
    client_id = request.headers.get("x-ms-client-request-id")
    if client_id:
        response.headers["x-ms-client-request-id"] = client_id
