"""Event Grid: it delivers each request until it is acknowledged, at most 30 times, and then dead-letters its events."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import ContentSettings

from local.memory.storage.block_blobs import Written
from local.simulation.callers.platform import Platform
from local.simulation.world.cluster import Outcome

_SECONDS = 30.0  # that Event Grid waits for an answer
_PAUSES = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)  # the last one repeats
_DELIVERIES = 30


@dataclass
class EventGrid:
    """Delivers events. `undelivered` counts the requests that are neither acknowledged nor dead-lettered yet."""

    platform: Platform
    undelivered: int = 0

    def publish(self, at: float, events: list[Any], *, acknowledged: bool = True) -> None:
        """Delivers events in one request. `acknowledged`: whether the first success reaches Event Grid."""
        self.undelivered += 1
        self.platform.spawn(self._deliver(at, events, acknowledged=acknowledged))

    async def _deliver(self, at: float, events: list[Any], *, acknowledged: bool) -> None:
        loop = self.platform.loop
        await asyncio.sleep(at - loop.time())
        ends = loop.time() + self.platform.settings.retention.total_seconds() / 2  # as infra sets it
        for number in range(_DELIVERIES):
            if await self._delivered(events):
                if acknowledged:
                    self.undelivered -= 1
                    return
                acknowledged = True
            pause = _PAUSES[min(number, len(_PAUSES) - 1)]
            if loop.time() + pause > ends:
                break
            await asyncio.sleep(pause * self.platform.rng.uniform(1, 1.2))
        self._dead_letter(events)

    async def _delivered(self, events: list[Any]) -> bool:
        """Whether all invocations for one request ended well in time. Those that didn't go on."""
        host = await self.platform.some_host()
        bodies = [json.dumps(event) for event in events]
        ends = [
            self.platform.cluster.invoke(host, "on_recording_event", lambda app, body=body: app.intake.deliver(body))  # type: ignore[misc]
            for body in bodies
        ]
        done, waiting = await asyncio.wait(ends, timeout=_SECONDS)
        return not waiting and all(end.result() is Outcome.DONE for end in done)

    def dead_letter(self, at: float, events: list[Any]) -> None:
        """Dead-letters events that were never delivered."""
        self.undelivered += 1
        self.platform.spawn(self._dead_letter_at(at, events))

    async def _dead_letter_at(self, at: float, events: list[Any]) -> None:
        await asyncio.sleep(at)
        self._dead_letter(events)

    def _dead_letter(self, events: list[Any]) -> None:
        self.platform.trace.step("events", "are dead-lettered")
        account = self.platform.account
        blobs = account.containers[self.platform.settings.deadletter_container]
        letter = Written(json.dumps(events).encode(), ContentSettings(), {})
        blobs.put(f"letters/{account.new_id()}.json", letter, overwrite=True)
        self.undelivered -= 1
