"""Lists the events that the topic accepted, in their order."""

from aiohttp import web

from local.acs.service import Service


class AnnouncementControl:
    def __init__(self, service: Service) -> None:
        self._topic = service.topic

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/announcements", self.list_all)]

    async def list_all(self, request: web.Request) -> web.Response:
        """All events, or those of one recording."""
        recording_id = request.query.get("recordingId")
        taken = (
            one for one in self._topic.taken if recording_id in (None, one["event"].get("data", {}).get("recordingId"))
        )
        return web.json_response(list(taken))
