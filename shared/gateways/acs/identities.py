"""Finds out which ACS resource a credential belongs to: its immutable id. Call Automation doesn't return it.

The ids of all users of a resource contain it. So a user is created, which is free, and deleted at once.
"""

import re
from http import HTTPMethod
from typing import Any
from urllib.parse import quote

from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.rest import HttpRequest

from shared.errors import SourceGarbled
from shared.gateways.acs.recorder import call_acs

_API = "2023-10-01"
_USER = re.compile(r"8:acs:([0-9A-Fa-f-]{36})_[0-9A-Fa-f-]+")


class Identities:
    """Users of the resource that the Call Automation client is signed in to."""

    def __init__(self, client: CallAutomationClient) -> None:
        self._client: Any = client._client  # noqa: SLF001 - SDK 1.6.0 has no public method for other operations

    async def resource_id(self) -> str:
        """The immutable id of the resource. Raises a SourceError if ACS doesn't return one.

        A crash in between leaves an unused user without a token.
        """
        user, resource_id = _named(await self._sent(HTTPMethod.POST, "/identities"))
        await self._sent(HTTPMethod.DELETE, f"/identities/{quote(user, safe='')}")
        return resource_id

    async def _sent(self, method: HTTPMethod, path: str) -> Any:
        return await call_acs(self._answered(HttpRequest(method, f"{{endpoint}}{path}?api-version={_API}")))

    async def _answered(self, request: HttpRequest) -> Any:
        answer = await self._client.send_request(request)
        answer.raise_for_status()
        return answer


def _named(answer: Any) -> tuple[str, str]:
    try:
        user = _USER.fullmatch(str(answer.json()["identity"]["id"]))
    except (KeyError, TypeError, ValueError):
        user = None
    if user is None:
        raise SourceGarbled("ACS created a user without a readable id")
    return user[0], user[1].lower()
