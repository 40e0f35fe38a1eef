"""Clients of the function app and of the ACS simulator. The demo acts as a caller's back end and as a call's people."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from local.stack.addresses import Addresses


class DemoError(Exception):
    """The demo failed. The message is for the person who ran it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A successful response of the function app."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


class Peers:
    """`callvault` sends requests with a key to the function app. `acs` controls the calls in the simulator."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def callvault(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        url = f"{self._addresses.functions}/api/recordings{path}"
        key = {"x-functions-key": self._addresses.functions_key}
        answer: dict[str, Any] = await self._json(method, url, body, key)
        return answer

    async def recording(self, recording_id: str, action: str = "") -> dict[str, Any]:
        """Gets a recording, or does an action with it: `/stop`, `/pause` or `/resume`."""
        method = "POST" if action else "GET"
        return await self.callvault(method, f"/{quote(recording_id, safe='')}{action}")

    async def stop(self, recording_id: str) -> Answer:
        """Stops a recording as a caller does that then waits for the files."""
        url = f"{self._addresses.functions}/api/recordings/{quote(recording_id, safe='')}/stop"
        return await self.request("POST", url, {"Prefer": "respond-async"})

    async def request(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        sent = {"x-functions-key": self._addresses.functions_key, **(headers or {})}
        async with self._http.request(method, url, headers=sent) as response:
            await _raise_for_status(method, response)
            return Answer(status=response.status, headers=response.headers, body=await response.json())

    async def acs(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer: dict[str, Any] = await self._json(method, self._addresses.acs + path, body, {})
        return answer

    async def announcements(self) -> list[dict[str, Any]]:
        """The announcements that the topic has received, in their order."""
        return [one["event"] for one in await self._json("GET", f"{self._addresses.acs}/announcements", None, {})]

    async def _json(self, method: str, url: str, body: object, headers: dict[str, str]) -> Any:
        async with self._http.request(method, url, json=body, headers=headers) as response:
            await _raise_for_status(method, response)
            return await response.json()


async def _raise_for_status(method: str, response: aiohttp.ClientResponse) -> None:
    if not response.ok:
        raise DemoError(f"{method} {response.url.path} returned {response.status}: {await response.text()}")
