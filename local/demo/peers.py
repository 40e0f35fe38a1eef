"""Both sides that the demo talks to, as a customer's back end and as the people on the call would."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from local.stack.addresses import Addresses


class DemoError(Exception):
    """Something that should have worked did not; the sentence is for the person who ran the demo."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer of the function app that is no error."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


class Peers:
    """`callvault` calls the function app over HTTP with its key, `acs` plays the calls in the simulator."""

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
        told: dict[str, Any] = await self._answer(method, url, body, {"x-functions-key": self._addresses.functions_key})
        return told

    async def recording(self, recording_id: str, action: str = "") -> dict[str, Any]:
        """Looks at a recording, or does `/stop`, `/pause` or `/resume` to it."""
        method = "POST" if action else "GET"
        return await self.callvault(method, f"/{quote(recording_id, safe='')}{action}")

    async def stopped(self, recording_id: str) -> Answered:
        """Stops a recording as a caller does who goes on to wait for its files."""
        url = f"{self._addresses.functions}/api/recordings/{quote(recording_id, safe='')}/stop"
        return await self.asked("POST", url, {"Prefer": "respond-async"})

    async def asked(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answered:
        sent = {"x-functions-key": self._addresses.functions_key, **(headers or {})}
        async with self._http.request(method, url, headers=sent) as response:
            if not response.ok:
                raise DemoError(f"{method} {response.url.path} was answered {response.status}: {await response.text()}")
            return Answered(status=response.status, headers=response.headers, body=await response.json())

    async def acs(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        told: dict[str, Any] = await self._answer(method, self._addresses.acs + path, body, {})
        return told

    async def announcements(self) -> list[dict[str, Any]]:
        """What the topic took so far, in the order in which it came."""
        return [one["event"] for one in await self._answer("GET", f"{self._addresses.acs}/announcements", None, {})]

    async def _answer(self, method: str, url: str, body: object, headers: dict[str, str]) -> Any:
        async with self._http.request(method, url, json=body, headers=headers) as response:
            if not response.ok:
                raise DemoError(f"{method} {response.url.path} was answered {response.status}: {await response.text()}")
            return await response.json()
