"""Processes callbacks of Call Automation: verifies the sender first, then applies each event.

A callback without a good token changes nothing. Everything else may come twice, late and in any order. A callback that
can't be read is kept in quarantine and answered with success; when storage or ACS fails, the answer is an error, and
whatever was done already may be done again.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from shared.autorecording import AutoRecording
from shared.clock import Clock
from shared.contracts.callbacks import CallbackEvent, CallbackKind, callback_kind, read_callback
from shared.contracts.events import UnreadableEvent
from shared.contracts.rules import Trigger
from shared.errors import InvalidRequest, LengthRequired
from shared.gateways.bundle import Gateways
from shared.intake import Outcome
from shared.logs import logger
from shared.observation import Observation, told_of
from shared.starting import Starting
from shared.tokens import CallbackTokens

log = logger("callbacks")

_LARGEST = 256 * 1024  # bytes of a request
_MOST_EVENTS = 100
_FOLDER = "callbacks"  # in the quarantine
_START_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Concerned:
    """What callbacks move."""

    starting: Starting
    observation: Observation
    auto: AutoRecording


class Callbacks:
    """What ACS tells of calls and recordings while they go on."""

    def __init__(
        self,
        gateways: Gateways,
        clock: Clock,
        tokens: CallbackTokens,
        concerned: Concerned,
    ) -> None:
        self._archive, self._links, self._clock = gateways.archive, gateways.links, clock
        self._starting, self._observation, self._auto = concerned.starting, concerned.observation, concerned.auto
        self._tokens = tokens

    async def receive(self, body: bytes, *, authorization: str | None, start_id: str | None) -> list[Outcome]:
        """Takes an array of CloudEvents, or one. `start_id` is what the address names, if it names a start.

        Raises CallbackRefused or CallbacksOff before anything is read, LengthRequired for a body that didn't arrive,
        and InvalidRequest for a body too large.
        """
        await self._tokens.verify(authorization)
        if not body:
            raise LengthRequired
        if len(body) > _LARGEST:
            raise InvalidRequest.of("body", f"must have at most {_LARGEST} bytes")
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            return [await self._quarantine({"bodyBase64": base64.b64encode(body).decode()}, body, "is not JSON")]
        envelopes = parsed if isinstance(parsed, list) else [parsed]
        if len(envelopes) > _MOST_EVENTS:
            raise InvalidRequest.of("body", f"must be an array of at most {_MOST_EVENTS} events")
        named = start_id if start_id and _START_ID.fullmatch(start_id) else None
        return [await self._take(envelope, named) for envelope in envelopes]

    async def _take(self, envelope: Any, start_id: str | None) -> Outcome:
        try:
            if not isinstance(envelope, dict):
                raise UnreadableEvent("is no object")  # noqa: TRY301 - one way out for what can't be read
            kind = callback_kind(envelope)
            if kind is None:
                return Outcome.IGNORED
            event = read_callback(kind, envelope, self._clock.now())
        except UnreadableEvent as error:
            body = json.dumps(envelope, sort_keys=True).encode()
            return await self._quarantine({"event": envelope}, body, str(error))
        log.info("callback taken", extra={"action": "callback", "kind": str(kind)})
        if event.unknown:
            fields = {"action": "callback", "kind": str(kind), "fields": list(event.unknown)}
            log.warning("callback has fields that can't be used", extra=fields)
        match kind:
            case CallbackKind.CALL_CONNECTED:
                await self._connected(event)
            case CallbackKind.CALL_DISCONNECTED:
                await self._observation.call_ended(event)
            case CallbackKind.RECORDING_STATE_CHANGED if event.recording_id:
                await self._recording_changed(event, event.recording_id, start_id)
            case CallbackKind.START_RECORDING_FAILED:
                await self._start_failed(event, start_id)
        return Outcome.TAKEN

    async def _connected(self, event: CallbackEvent) -> None:
        if event.server_call_id is None:
            return
        if event.call_connection_id:
            await self._links.link_connection(event.call_connection_id, event.server_call_id)
        await self._auto.consider(Trigger.CALL_CONNECTED, server_call_id=event.server_call_id)

    async def _recording_changed(self, event: CallbackEvent, recording_id: str, start_id: str | None) -> None:
        if start_id:
            await self._starting.named(start_id, recording_id)
        await self._observation.state_changed(event, recording_id)

    async def _start_failed(self, event: CallbackEvent, start_id: str | None) -> None:
        log.error("start failed", extra={"action": "start", "told": told_of(event)})
        if event.recording_id:
            if start_id:
                await self._starting.named(start_id, event.recording_id)
            await self._observation.start_failed(event, event.recording_id)
        elif start_id:
            await self._starting.failed(start_id, told_of(event))
        if start_id and event.server_call_id:
            await self._auto.start_failed(start_id, event.server_call_id)

    async def _quarantine(self, kept: dict[str, Any], body: bytes, reason: str) -> Outcome:
        name = f"{_FOLDER}/{hashlib.sha256(body).hexdigest()[:32]}.json"
        told = {"reason": reason, "receivedAt": self._clock.now().isoformat(), **kept}
        await self._archive.quarantine(name, json.dumps(told, indent=2).encode())
        log.error("callback kept in quarantine", extra={"action": "quarantine", "blob": name, "reason": reason})
        return Outcome.QUARANTINED
