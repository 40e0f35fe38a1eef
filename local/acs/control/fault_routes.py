"""Control of faults, and the log of requests."""

from aiohttp import web

from local.acs.control.request_bodies import read
from local.acs.faults.requested_faults import FaultOrder
from local.acs.service import Service


class FaultControl:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/faults", self.order),
            web.get("/faults", self.list_all),
            web.delete("/faults", self.clear),
            web.delete("/faults/{fault_id}", self.remove),
            web.get("/requests", self.requests),
        ]

    async def order(self, request: web.Request) -> web.Response:
        fault = self._service.faults.add(await read(request, FaultOrder))
        return web.json_response(fault.described(), status=201)

    async def list_all(self, _: web.Request) -> web.Response:
        return web.json_response([fault.described() for fault in self._service.faults.all()])

    async def clear(self, _: web.Request) -> web.Response:
        self._service.faults.remove()
        return web.Response(status=204)

    async def remove(self, request: web.Request) -> web.Response:
        self._service.faults.remove(request.match_info["fault_id"])
        return web.Response(status=204)

    async def requests(self, request: web.Request) -> web.Response:
        query = request.query
        selected = self._service.log.select(document_id=query.get("documentId"), host=query.get("host"))
        return web.json_response([entry.described() for entry in selected])
