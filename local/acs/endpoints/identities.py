"""Creates and deletes users of the resource. A user's id contains the resource's id, as in the real service."""

import re

from aiohttp import web

from local.acs.errors import AcsError
from local.acs.identifiers import new_participant_id

COLLECTION = "/identities"
ONE = re.compile(r"/identities/(?P<user_id>[^/]+)")


class Identities:
    def __init__(self) -> None:
        self._known: set[str] = set()

    def answer(self, request: web.Request) -> web.Response | None:
        """None for a request that isn't about users."""
        if request.path == COLLECTION and request.method == "POST":
            user_id = new_participant_id()
            self._known.add(user_id)
            return web.json_response({"identity": {"id": user_id}}, status=201)
        match = ONE.fullmatch(request.path)
        if match is None or request.method != "DELETE":
            return None
        if match["user_id"] not in self._known:
            raise AcsError(404, "NotFound", "There is no such identity.")
        self._known.remove(match["user_id"])
        return web.Response(status=204)
