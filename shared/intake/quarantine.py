"""Keeps events that can't be read, whole or in part, with the reason: once, however often they are delivered."""

import hashlib
import json
from typing import Any

from shared.domain.clock import Clock
from shared.gateways.blobs.archive import Archive
from shared.observability.logs import logger

log = logger("intake")


class Quarantine:
    """The container of events that could not be read."""

    def __init__(self, archive: Archive, clock: Clock) -> None:
        self._archive, self._clock = archive, clock

    async def keep(self, event: Any, reason: str, *, by: str | None) -> None:
        """Raises DestinationError when storage fails. `event` is parsed JSON, or text that isn't JSON.

        `by` is None for an event that Event Grid delivered, else who handed it in.
        """
        # ASCII alone: strings may hold lone surrogates, which UTF-8 can't encode.
        told = json.dumps(event, default=str, sort_keys=True, ensure_ascii=True)
        name = f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.json"
        kept = {"reason": reason, "receivedAt": self._clock.now().isoformat(), "by": by, "event": event}
        await self._archive.quarantine(name, json.dumps(kept, default=str, ensure_ascii=True, indent=2).encode())
        context = {"action": "quarantine", "blob": name, "reason": reason, "by": by}
        log.error("event kept in quarantine", extra=context)
