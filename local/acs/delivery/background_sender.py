"""Sends in the background over one HTTP session, from `open` to `close`."""

import asyncio
from collections.abc import Coroutine

import aiohttp

ANSWER_SECONDS = 30.0


class BackgroundSender:
    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))

    async def close(self) -> None:
        """Cancels what is still being sent."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def start(self, sending: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(sending)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
